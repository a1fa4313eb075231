import { createHash } from 'node:crypto';
import { mkdtempDisposable, open, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { expect, it, vi } from 'vitest';
import { appendStream } from './append.ts';

const mebibyte = 1024 * 1024;

it.each([
  ['flushes a long file that is to last on its way', true, 2],
  ['leaves the flush of a copy to the kernel', false, 0],
])('%s', async (_title, isLasting, flushes) => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'ward-append-'));
  const path = join(folder.path, 'long');
  await using file = await open(path, 'w');
  const datasync = vi.spyOn(file, 'datasync');
  const chunks = Array.from({ length: 65 }, () => Buffer.alloc(mebibyte, 'x'));
  const target = { hash: createHash('sha256'), size: 0, isBroken: false, isLasting };
  await appendStream(file, target, Readable.from(chunks), () => {});
  expect(datasync).toHaveBeenCalledTimes(flushes);
  expect((await stat(path)).size).toBe(65 * mebibyte);
});
