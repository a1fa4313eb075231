/**
 * Decompresses a layer into the bytes of its tar, and computes both digests at the same time. The first bytes decide
 * the compression, not the media type: tools disagree on the names. Refuses data after the last member of gzip or the
 * last frame of zstd: some programs continue to read there, others don't.
 */
import { createHash, type Hash } from 'node:crypto';
import type { Transform } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { type Digest, isDigest } from '../../blobs/index.ts';
import { formatSize, messageOf, nodeCodeOf } from '../../lib/index.ts';
import { imageFault } from '../faults.ts';
import { openReleasing } from './releasing.ts';
import { zstdFrames } from './zstd-frames.ts';

export interface Unpacked {
  /**
   * Each piece is valid until the caller asks for the second next one.
   * @throws Fault ARCHIVE_INVALID, ARCHIVE_TOO_LARGE, and errors of the source
   */
  readonly bytes: AsyncIterable<Buffer>;
  /** The digests of the compressed and of the plain bytes, after all were read. */
  digests(): { readonly digest: Digest; readonly diffId: Digest };
}

/** Real layers shrink to a third; beyond the floor, a layer that grows by this factor is a bomb. */
const maxExpansion = 200;
const expansionFloor = 64 * 1024 ** 2;
/** A few large pieces: each costs a turn of the event loop, and most files should fit into one. */
const pieceBytes = 256 * 1024;
/** While the caller reads a piece, another thread decompresses the next ones. */
const ahead = { chunkSize: pieceBytes, readableHighWaterMark: 2 * pieceBytes };

/**
 * @param source the caller destroys it. It may overwrite a piece when the third next one is requested, if each has
 * its own memory
 * @param verified the known digest of the compressed bytes, which is then not computed again
 */
export function unpacked(source: AsyncIterable<Buffer>, verified?: Digest): Unpacked {
  const packed = createHash('sha256');
  const plain = createHash('sha256');
  const digests = () => ({ digest: verified ?? digestOf(packed), diffId: digestOf(plain) });
  return { bytes: unpack(source, verified === undefined ? packed : undefined, plain), digests };
}

async function* unpack(
  source: AsyncIterable<Buffer>,
  packed: Hash | undefined,
  plain: Hash,
): AsyncGenerator<Buffer> {
  let packedBytes = 0;
  let plainBytes = 0;
  const pieces = source[Symbol.asyncIterator]();
  const first = await firstBytes(pieces);
  const form = formOf(first);
  const counted = async function* (): AsyncGenerator<Buffer> {
    for (let piece = first; piece.length > 0; piece = await nextOf(pieces)) {
      packed?.update(piece);
      packedBytes += piece.length;
      yield piece;
    }
  };
  const gunzip = form === 'gzip' ? createGunzip(ahead) : undefined;
  const unpacking =
    gunzip !== undefined
      ? through(counted(), gunzip)
      : form === 'zstd'
        ? through(zstdFrames(counted()), createZstdDecompress(ahead))
        : counted();
  for await (const piece of unpacking) {
    plain.update(piece);
    plainBytes += piece.length;
    if (form !== 'plain' && plainBytes > Math.max(expansionFloor, packedBytes * maxExpansion)) {
      throw imageFault(
        'ARCHIVE_TOO_LARGE',
        `the layer is too large: ${formatSize(packedBytes)} of compressed data expand to more than ${formatSize(plainBytes)}`,
      );
    }
    yield piece;
  }
  // Node stops silently at a zero after a member.
  if (gunzip !== undefined && gunzip.bytesWritten !== packedBytes) {
    throw imageFault('ARCHIVE_INVALID', 'the layer is damaged: data follows the end of its gzip stream');
  }
}

/** Reads enough bytes to recognise the compression; an empty buffer at the end. */
async function firstBytes(pieces: AsyncIterator<Buffer>): Promise<Buffer> {
  let bytes = await nextOf(pieces);
  while (bytes.length > 0 && bytes.length < 4) {
    const more = await nextOf(pieces);
    if (more.length === 0) break;
    bytes = Buffer.concat([bytes, more]);
  }
  return bytes;
}

/** An empty buffer at the end. */
async function nextOf(pieces: AsyncIterator<Buffer>): Promise<Buffer> {
  for (;;) {
    const { value, done } = await pieces.next();
    if (done === true) return Buffer.alloc(0);
    if (value.length > 0) return value;
  }
}

/** Finds the compression of a layer or an archive by its first bytes. */
export function formOf(first: Buffer): 'gzip' | 'zstd' | 'plain' {
  if (first.length >= 2 && first.readUInt16BE(0) === 0x1f8b) return 'gzip';
  if (first.length < 4) return 'plain';
  const magic = first.readUInt32BE(0);
  return magic === 0x28b52ffd || (magic & 0xf0ffffff) >>> 0 === 0x502a4d18 ? 'zstd' : 'plain';
}

async function* through(source: AsyncIterable<Buffer>, decompressor: Transform): AsyncGenerator<Buffer> {
  let failure: unknown;
  const feeding = (async () => {
    let before = Promise.resolve();
    for await (const piece of source) {
      if (decompressor.destroyed) return;
      const next = taken(decompressor, piece);
      await before;
      before = next;
    }
    decompressor.end();
  })().catch((error: unknown) => {
    failure = error;
    decompressor.destroy();
  });
  const release = openReleasing();
  try {
    for await (const piece of decompressor) {
      yield piece;
      release(piece);
    }
  } catch (error) {
    if (failure === undefined) throw damaged(error);
  } finally {
    decompressor.destroy();
  }
  await feeding;
  if (failure !== undefined) throw failure;
}

/** Waits until the piece is no longer needed, or never will be. */
function taken(stream: Transform, piece: Buffer): Promise<void> {
  return new Promise((resolve) => {
    stream.once('close', resolve);
    stream.write(piece, () => {
      stream.off('close', resolve);
      resolve();
    });
  });
}

/** An error of zlib means that the archive is damaged; other errors stay as they are. */
function damaged(error: unknown): unknown {
  if (!/^(?:Z_|ZSTD_|ERR_ZLIB|ERR_STREAM_PREMATURE)/.test(nodeCodeOf(error) ?? '')) return error;
  return imageFault('ARCHIVE_INVALID', `the layer is damaged: ${messageOf(error)}`, { cause: error });
}

function digestOf(hash: Hash): Digest {
  const digest = `sha256:${hash.digest('hex')}`;
  if (isDigest(digest)) return digest;
  throw new Error(`a hash has an impossible form: ${digest}`);
}
