import { mkdir, mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import { parseBlobLocation } from '../../blobs/index.ts';
import { silentLog } from '../../lib/index.ts';
import { openServerBlobs } from './shared-blobs.ts';

const blobs = parseBlobLocation('s3://ward-blobs/prod?endpoint=http://127.0.0.1:9');
const open = (dataDir: string) => openServerBlobs({ dataDir, blobs }, () => {}, silentLog);

afterEach(() => void vi.unstubAllEnvs());

it('blobs stay in the data folder without the setting', async () => {
  expect(
    await openServerBlobs({ dataDir: '/nowhere', blobs: undefined }, () => {}, silentLog),
  ).toBeUndefined();
});

it('a server starts while the bucket is away, and does not know yet whose it is', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'ward-unmoved-'));
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test').stubEnv('AWS_SECRET_ACCESS_KEY', 'test');
  await using opened = await open(folder.path);
  await opened?.claim('1'.repeat(32));
});

it('blobs in the data folder from before the setting are not forgotten', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'ward-unmoved-'));
  for (const part of ['code', 'registry']) {
    const old = join(folder.path, part, 'blobs', 'sha256');
    await mkdir(old, { recursive: true });
    await using opened = await open(folder.path);
    expect(opened).toBeDefined();
  }
  await writeFile(join(folder.path, 'registry', 'blobs', 'sha256', 'a'.repeat(64)), 'x');
  await expect(open(folder.path)).rejects.toMatchObject({
    code: 'BLOBS_NOT_MOVED',
    hint: expect.stringContaining('ward migrate --blobs'),
  });
});
