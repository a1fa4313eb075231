import { access, constants, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ZipFile } from 'yazl';
import { type BlobStore, openBlobStore } from '../../blobs/index.ts';
import { type Log, silentLog } from '../../lib/index.ts';
import {
  type Code,
  type CodeFile,
  type CodeFolders,
  openCodeFolders,
  openCodePlaces,
} from './code-folders.ts';

const elf = Buffer.from('\x7fELF and so on', 'latin1');
const source: CodeFile = { name: 'index.js', form: 'source' };
const program: CodeFile = { name: 'exec', form: 'program' };
const archive: CodeFile = { name: 'action.jar', form: 'archive' };

let dir: string;
let blobs: BlobStore;
let folders: CodeFolders;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ward-code-'));
  blobs = await openBlobStore(join(dir, 'blobs'));
  folders = openCodeFolders(await openCodePlaces(join(dir, 'laid')), blobs, silentLog);
});
afterEach(() => rm(dir, { recursive: true, force: true }));

/** A zip without executable bits. */
async function zipOf(files: Readonly<Record<string, string>>): Promise<Buffer> {
  const zip = new ZipFile();
  for (const [name, content] of Object.entries(files)) {
    zip.addBuffer(Buffer.from(content), name, { mode: 0o100644 });
  }
  zip.end();
  return Buffer.concat(await Array.fromAsync(zip.outputStream as AsyncIterable<Buffer>));
}

async function codeOf(bytes: Buffer, binary: boolean, file: CodeFile): Promise<Code> {
  return { digest: await blobs.put(bytes), binary, file };
}

const isProgram = (path: string) =>
  access(path, constants.X_OK).then(
    () => true,
    () => false,
  );

describe.each(['laid', 'put into an empty folder'])('code that is %s', (how) => {
  /** Returns the folder of the code, made in either way. */
  async function lay(code: Code): Promise<string> {
    if (how === 'laid') return (await folders.lay(code)).path;
    const folder = await folders.empty();
    await folders.fill(folder, code);
    return folder.path;
  }

  it.each([
    ['text', Buffer.from('code'), false, source, false],
    ['a script', Buffer.from('#!/bin/sh'), false, program, true],
    ['a script that comes as bytes', Buffer.from('#!/bin/sh'), true, program, true],
    ['an ELF file', elf, true, program, true],
    ['a jar', elf, true, archive, false],
  ])('is one file when it is %s', async (_title, bytes, binary, file, isExecutable) => {
    const path = await lay(await codeOf(bytes, binary, file));
    expect(await readdir(path)).toEqual([file.name]);
    expect(await readFile(join(path, file.name))).toEqual(bytes);
    // Root may read everything, but can execute only executable files.
    expect(await isProgram(join(path, file.name))).toBe(isExecutable);
  });

  it('is unpacked if it is an archive, and its program is executable whatever the archive says', async () => {
    const bytes = await zipOf({ exec: '#!/bin/sh', 'lib/exec': 'data' });
    const path = await lay(await codeOf(bytes, true, program));
    expect(await readdir(path, { recursive: true })).toEqual(expect.arrayContaining(['exec', 'lib/exec']));
    expect(await isProgram(join(path, 'exec'))).toBe(true);
    expect(await isProgram(join(path, 'lib/exec'))).toBe(false);
  });

  it('is refused if it should be an archive but is not', async () => {
    await expect(lay(await codeOf(elf, true, source))).rejects.toMatchObject({ code: 'ARCHIVE_INVALID' });
  });
});

describe('a folder of code', () => {
  it('is shared by sandboxes with the same code, and removed with the last of them', async () => {
    const code = await codeOf(Buffer.from('code'), false, source);
    const [first, second] = [await folders.lay(code), await folders.lay(code)];
    expect(second.path).toBe(first.path);
    await first.release();
    await first.release();
    expect(await readdir(second.path)).toEqual(['index.js']);
    await second.release();
    expect(await readdir(join(dir, 'laid'))).toEqual([]);
  });

  it('that cannot be deleted is left in place, and reported', async () => {
    const warnings: unknown[] = [];
    const log = { ...silentLog, warn: (about: unknown) => warnings.push(about) };
    const remove = () => Promise.reject(new Error('EROFS: read-only file system'));
    const places = { ...(await openCodePlaces(join(dir, 'stuck'))), remove };
    const stuck = openCodeFolders(places, blobs, log as unknown as Log);
    const laid = await stuck.lay(await codeOf(Buffer.from('code'), false, source));
    await laid.release();
    await (await stuck.empty()).release();
    expect(warnings).toEqual([
      { path: laid.path, reason: expect.stringContaining('EROFS') },
      { path: expect.any(String), reason: expect.stringContaining('EROFS') },
    ]);
  });

  it('is not shared by languages that place the same bytes differently', async () => {
    const bytes = await zipOf({ exec: '#!/bin/sh' });
    const laid = await Promise.all(
      [source, program, archive].map(async (file) => folders.lay(await codeOf(bytes, true, file))),
    );
    expect(new Set(laid.map(({ path }) => path)).size).toBe(3);
    expect(await readdir(laid[2]?.path ?? '')).toEqual(['action.jar']);
  });
});
