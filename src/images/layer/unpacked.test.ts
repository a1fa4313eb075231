import { randomBytes } from 'node:crypto';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { digestOf } from '../../blobs/index.ts';
import { streamOf } from '../images.fixture.ts';
import { unpacked } from './unpacked.ts';

const plain = Buffer.concat([randomBytes(300_000), Buffer.alloc(300_000)]);
const skippable = Buffer.concat([Buffer.from([0x53, 0x2a, 0x4d, 0x18, 5, 0, 0, 0]), Buffer.from('notes')]);
const frames = Buffer.concat([
  skippable,
  zstdCompressSync(plain.subarray(0, 100_000)),
  zstdCompressSync(Buffer.alloc(0)),
  skippable,
  zstdCompressSync(plain.subarray(100_000)),
  skippable,
]);

/** Each piece has its own memory, and is overwritten as soon as that is allowed. */
async function* passing(bytes: Buffer, pieceBytes: number): AsyncGenerator<Buffer> {
  const given: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    const piece = Buffer.allocUnsafeSlow(Math.min(pieceBytes, bytes.length - at));
    bytes.copy(piece, 0, at);
    given.push(piece);
    yield piece;
    if (given.length === 3) given.shift()?.fill('?');
  }
}

async function unpack(
  bytes: Buffer,
  pieceBytes: number,
): Promise<{ bytes: Buffer; digest: string; diffId: string }> {
  const { bytes: pieces, digests } = unpacked(passing(bytes, pieceBytes));
  const all = await Array.fromAsync(pieces, (piece) => Buffer.from(piece));
  return { bytes: Buffer.concat(all), ...digests() };
}

describe('a layer', () => {
  it.each([
    ['uncompressed', plain],
    ['with gzip', gzipSync(plain)],
    [
      'with gzip in two members',
      Buffer.concat([gzipSync(plain.subarray(0, 10)), gzipSync(plain.subarray(10))]),
    ],
    ['with zstd', zstdCompressSync(plain)],
    ['with zstd in many frames', frames],
  ])('%s is unpacked, with both digests', async (_how, packed) => {
    for (const pieceBytes of [1000, 65_537, packed.length]) {
      const found = await unpack(packed, pieceBytes);
      expect(found.bytes.equals(plain)).toBe(true);
      expect(found).toMatchObject({ digest: digestOf(packed), diffId: digestOf(plain) });
    }
  });

  it('frees its memory after it was read', async () => {
    const kept: Buffer[] = [];
    for await (const piece of unpacked(streamOf(gzipSync(randomBytes(2_000_000)))).bytes) kept.push(piece);
    expect(kept.filter(({ buffer }) => buffer.byteLength > 0).length).toBeLessThanOrEqual(3);
  });

  it('without bytes unpacks to nothing', async () => {
    expect((await unpack(Buffer.alloc(0), 1)).bytes.length).toBe(0);
  });

  it('fails with its source’s error', async () => {
    const source = streamOf(gzipSync(plain), 1000);
    setImmediate(() => source.destroy(new Error('the disk is gone')));
    await expect(Array.fromAsync(unpacked(source).bytes)).rejects.toThrow('the disk is gone');
  });
});

describe('a hostile layer', () => {
  it.each([
    ['cut gzip', gzipSync(plain).subarray(0, -9)],
    ['broken gzip', Buffer.concat([gzipSync(plain).subarray(0, 5000), randomBytes(5000)])],
    ['cut zstd', frames.subarray(0, -9)],
    ['cut zstd frame', zstdCompressSync(plain).subarray(0, -9)],
    ['broken zstd', Buffer.concat([zstdCompressSync(plain).subarray(0, 20), randomBytes(5000)])],
    ['gzip with something behind it', Buffer.concat([gzipSync(plain), Buffer.from('tail of it')])],
    ['gzip with zeros behind it', Buffer.concat([gzipSync(plain), Buffer.alloc(512)])],
    [
      'gzip with zeros between its members',
      Buffer.concat([gzipSync(plain), Buffer.alloc(1), gzipSync(plain)]),
    ],
    ['zstd with something behind it', Buffer.concat([frames, Buffer.from('tail of it')])],
  ])('of %s is refused', async (_what, packed) => {
    await expect(unpack(packed, 4000)).rejects.toMatchObject({ code: 'ARCHIVE_INVALID' });
  });

  it.each([
    ['gzip', gzipSync(Buffer.alloc(100_000_000))],
    ['zstd', zstdCompressSync(Buffer.alloc(100_000_000))],
  ])('that is a %s bomb is refused before it grows', async (_what, packed) => {
    let bytes = 0;
    const growing = async () => {
      for await (const piece of unpacked(streamOf(packed)).bytes) bytes += piece.length;
    };
    await expect(growing()).rejects.toMatchObject({ code: 'ARCHIVE_TOO_LARGE' });
    expect(bytes).toBeLessThan(70_000_000);
  });
});
