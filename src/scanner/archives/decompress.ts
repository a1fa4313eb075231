/** Compressed bytes that are in memory → what they were, in pieces, or at once where that is little. */
import { pipeline, type Transform } from 'node:stream';
import { constants, createGunzip, createZstdDecompress, gunzipSync } from 'node:zlib';
import { openReleasing, zstdFrames } from '../../images/index.ts';
import { bunzipped } from './bzip2.ts';
import type { CompressedForm } from './forms.ts';
import { unxzed } from './xz.ts';

const pieceBytes = 256 * 1024;
/** Man pages and change logs, of which a root file system has thousands: a stream for each costs more than they do. */
const smallPackedBytes = 128 * 1024;
const smallBytes = 4 * 1024 * 1024;
/** 64 MiB: what a window may take in memory. `zstd --ultra` and `--long` can ask for more. */
const windowLogMax = 26;

/** Of those, what can be read as it comes. */
export type StreamedForm = Extract<CompressedForm, 'gzip' | 'zstd'>;

/** Undefined when it is not little, or not whole. */
export function smallGunzipped(packed: Buffer): Buffer | undefined {
  if (packed.length > smallPackedBytes) return undefined;
  try {
    return gunzipSync(packed, { maxOutputLength: smallBytes });
  } catch {
    return undefined;
  }
}

/** Each piece is valid until the next but one is asked for. Fails at its end when it is damaged or cut short. */
export async function* decompressed(form: CompressedForm, packed: Buffer): AsyncGenerator<Buffer> {
  switch (form) {
    case 'gzip':
    case 'zstd':
      return yield* decompressedStream(form, slices(packed));
    case 'bzip2':
      return yield* bunzipped(packed);
    case 'xz':
      return yield* unxzed(packed);
  }
}

/** What comes as a stream. Each piece is valid until the next but one is asked for. */
export function decompressedStream(form: StreamedForm, input: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  if (form === 'gzip') return inflated(input, createGunzip({ chunkSize: pieceBytes }));
  const params = { [constants.ZSTD_d_windowLogMax]: windowLogMax };
  return inflated(zstdFrames(input), createZstdDecompress({ chunkSize: pieceBytes, params }));
}

async function* inflated(input: AsyncIterable<Buffer>, output: Transform): AsyncGenerator<Buffer> {
  // What fails is told by the output.
  pipeline(input, output, () => undefined);
  const release = openReleasing();
  try {
    for await (const piece of output) {
      yield piece;
      release(piece);
    }
  } finally {
    output.destroy();
  }
}

async function* slices(bytes: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
}
