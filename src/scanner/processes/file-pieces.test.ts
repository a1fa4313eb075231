import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { openFilePieces } from './file-pieces.ts';

const dir = await mkdtemp(join(tmpdir(), 'ward-pieces-'));
afterAll(() => rm(dir, { recursive: true }));

it.each([0, 1, 256 * 1024, 3_000_001])(
  'a file of %d bytes is read completely, in memory for three pieces',
  async (length) => {
    const bytes = randomBytes(length);
    const path = join(dir, `${length}`);
    await writeFile(path, bytes);
    const memory = new Set<ArrayBufferLike>();
    const copies: Buffer[] = [];
    const pieces = openFilePieces(path);
    for await (const piece of pieces) {
      memory.add(piece.buffer);
      copies.push(Buffer.from(piece));
    }
    pieces.destroy();
    expect(Buffer.concat(copies).equals(bytes)).toBe(true);
    expect(memory.size).toBeLessThanOrEqual(3);
  },
);

it('a piece stays valid until two more were requested', async () => {
  const path = join(dir, 'long');
  await writeFile(path, randomBytes(2_000_000));
  const pieces = openFilePieces(path);
  const iterator = pieces[Symbol.asyncIterator]();
  const first: Buffer = (await iterator.next()).value;
  const copy = Buffer.from(first);
  await iterator.next();
  await iterator.next();
  expect(first.equals(copy)).toBe(true);
  pieces.destroy();
});

it('a missing file is an error at once', () => {
  expect(() => openFilePieces(join(dir, 'none'))).toThrow('ENOENT');
});
