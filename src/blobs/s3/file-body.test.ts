import { once } from 'node:events';
import { mkdtempDisposable, open, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { expect, it } from 'vitest';
import { fileBody } from './file-body.ts';

const bytes = Buffer.alloc(3_000_000, 'abcdefg');

async function bodyOf(folder: string) {
  const path = join(folder, 'file');
  await writeFile(path, bytes);
  const file = await open(path);
  return { body: fileBody(file, bytes.length), [Symbol.asyncDispose]: () => file.close() };
}

it('uses two buffers again and again', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'ward-body-'));
  await using file = await bodyOf(folder.path);
  const pieces: Buffer[] = [];
  const memories = new Set<ArrayBufferLike>();
  const request = new Writable({
    write(piece: Buffer, _encoding, done) {
      pieces.push(Buffer.from(piece));
      memories.add(piece.buffer);
      setImmediate(done);
    },
  });
  file.body.pipe(request);
  await once(request, 'finish');
  expect(Buffer.concat(pieces).equals(bytes)).toBe(true);
  expect(pieces.length).toBeGreaterThan(2);
  expect(memories.size).toBe(2);
});

it('ends with a request that ends before it has taken all', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'ward-body-'));
  await using file = await bodyOf(folder.path);
  const failed = once(file.body, 'error');
  const request = new Writable({ write: () => void request.destroy() });
  file.body.pipe(request);
  expect(String(await failed)).toContain('ended');
});

it('can still be read in another way', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'ward-body-'));
  await using file = await bodyOf(folder.path);
  expect(Buffer.concat(await Array.fromAsync(file.body)).equals(bytes)).toBe(true);
});
