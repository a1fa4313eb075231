import { once } from 'node:events';
import { mkdir, mkdtempDisposable, readdir, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { startCommand } from '../lib/index.ts';
import { blobSuite } from './blobs.suite.ts';
import { digestOf, parseDigest } from './digest.ts';
import { blobPath, openBlobStore, removeHalfWrittenBlobs } from './files.ts';
import type { Digest } from './types.ts';
import { temporaryBeside } from './whole-file.ts';

const temporaryFolder = () => mkdtempDisposable(join(tmpdir(), 'ward-blobs-'));
const filesIn = async (dir: string) =>
  (await readdir(dir, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).length;

blobSuite('blobs in files', async () => {
  const folder = await temporaryFolder();
  return {
    open: () => openBlobStore(folder.path),
    damage: (whole, other) => writeFile(blobPath(folder.path, digestOf(whole)), other),
    count: () => filesIn(folder.path),
    dispose: () => folder.remove(),
  };
});

blobSuite('blobs in files, made in another folder', async () => {
  const folder = await temporaryFolder();
  const temporaryDir = join(folder.path, 'on-their-way');
  await mkdir(temporaryDir);
  return {
    open: () => openBlobStore(folder.path, { temporaryDir }),
    damage: (whole, other) => writeFile(blobPath(folder.path, digestOf(whole)), other),
    count: () => filesIn(folder.path),
    dispose: () => folder.remove(),
  };
});

it('blobs have the requested mode, whichever way they are stored', async () => {
  await using folder = await temporaryFolder();
  const blobs = openBlobStore(folder.path, { mode: 0o600 });
  const digests = [
    await blobs.put(Buffer.from('a')),
    (await blobs.putStream(Readable.from([Buffer.from('b')]))).digest,
  ];
  for (const digest of digests) expect((await stat(blobPath(folder.path, digest))).mode & 0o777).toBe(0o600);
});

it('files that are not blobs are not listed', async () => {
  await using folder = await temporaryFolder();
  const blobs = openBlobStore(folder.path);
  const digest = await blobs.put(Buffer.from('a'));
  await writeFile(join(folder.path, 'blobs', 'sha256', 'new.1234'), 'half');
  expect(await Array.fromAsync(blobs.list())).toEqual([digest]);
});

it('removes only the files of a killed put', async () => {
  await using folder = await temporaryFolder();
  await removeHalfWrittenBlobs(folder.path);
  const digest = await openBlobStore(folder.path).put(Buffer.from('whole'));
  await writeFile(temporaryBeside(blobPath(folder.path, digest)), 'who');
  await removeHalfWrittenBlobs(folder.path);
  expect(await readdir(join(folder.path, 'blobs', 'sha256'))).toEqual([digest.slice(7)]);
});

it('a process that is killed during puts leaves whole blobs, and every blob that it reported', async () => {
  await using folder = await temporaryFolder();
  const program = fileURLToPath(new URL('./put-forever.fixture.ts', import.meta.url));
  const child = startCommand([process.execPath, program, folder.path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (child.stdout === null) throw new Error('no stdout');
  const ended = once(child, 'exit');
  const answered: Digest[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    answered.push(parseDigest(line));
    if (answered.length === 40) child.kill('SIGKILL');
  }
  await ended;
  const blobs = openBlobStore(folder.path);
  const there = await Array.fromAsync(blobs.list());
  expect(there).toEqual(expect.arrayContaining(answered));
  for (const digest of there) expect(digestOf(await blobs.get(digest))).toBe(digest);
});
