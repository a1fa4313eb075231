/** Decompresses bytes: in pieces, or at once when they are few. */
import { pipeline, type Transform } from 'node:stream';
import { constants, createGunzip, createZstdDecompress, gunzipSync } from 'node:zlib';
import { openReleasing, zstdFrames } from '../../images/index.ts';
import { bunzipped } from './bzip2.ts';
import type { CompressedForm } from './forms.ts';
import { unlzmaed, unxzed } from './xz.ts';

const pieceBytes = 256 * 1024;
const smallerSteps = [4096, 64, 1];
/** A root file system has thousands of man pages and change logs. For each, a stream would cost more than the content. */
const smallPackedBytes = 128 * 1024;
const smallBytes = 4 * 1024 * 1024;
/** 64 MiB: the most memory for a window. `zstd --ultra` and `--long` can ask for more. */
const windowLogMax = 26;

/** The forms that can be read as a stream. */
type StreamedForm = Extract<CompressedForm, 'gzip' | 'zstd'>;

/** Undefined when the content is not small, or not complete. */
export function smallGunzipped(packed: Buffer): Buffer | undefined {
  if (packed.length > smallPackedBytes) return undefined;
  try {
    const { buffer, engine } = withInfo(gunzipSync(packed, { maxOutputLength: smallBytes, info: true }));
    return engine.bytesWritten === packed.length ? buffer : undefined;
  } catch {
    return undefined;
  }
}

/** Each piece stays valid until two more were requested. Fails at its end when the content is damaged or cut off. */
export async function* decompressed(form: CompressedForm, packed: Buffer): AsyncGenerator<Buffer> {
  switch (form) {
    case 'gzip':
      return yield* gunzipped(packed);
    case 'zstd':
      return yield* decompressedStream(form, slices(packed));
    case 'bzip2':
      return yield* bunzipped(packed);
    case 'xz':
      return yield* unxzed(packed);
    case 'lzma':
      return yield* unlzmaed(packed);
  }
}

/** Decompresses a stream. Each piece stays valid until two more were requested. */
export async function* decompressedStream(
  form: StreamedForm,
  input: AsyncIterable<Buffer>,
): AsyncGenerator<Buffer> {
  if (form === 'zstd') {
    const params = { [constants.ZSTD_d_windowLogMax]: windowLogMax };
    return yield* inflated(
      zstdFrames(input),
      createZstdDecompress({ chunkSize: pieceBytes, flush: constants.ZSTD_e_flush, params }),
    );
  }
  const gunzip = createGunzip({ chunkSize: pieceBytes });
  let taken = 0;
  async function* counted(): AsyncGenerator<Buffer> {
    for await (const piece of input) {
      taken += piece.length;
      yield piece;
    }
  }
  yield* inflated(counted(), gunzip);
  // Node silently stops at a zero after a member; Python goes on to the member after the zeros.
  if (gunzip.bytesWritten < taken) throw new Error('something else follows its gzip');
}

/** Reads members with zeros between them, as Python does. */
async function* gunzipped(packed: Buffer): AsyncGenerator<Buffer> {
  for (let rest = packed; rest.length > 0; ) {
    const taken = yield* gunzippedMembers(rest);
    const left = rest.subarray(taken);
    rest = left.subarray(zerosAt(left));
  }
}

function zerosAt(bytes: Buffer): number {
  const at = bytes.findIndex((byte) => byte !== 0);
  return at < 0 ? bytes.length : at;
}

/**
 * Reads members up to a zero after one, or to the end. zlib keeps its output of a piece in which it finds damage, so the
 * piece is fed again in smaller ones, until only the output of one byte is missing.
 * @returns the number of packed bytes that it used
 */
async function* gunzippedMembers(packed: Buffer): AsyncGenerator<Buffer, number> {
  let given = 0;
  let sound = 0;
  for (const step of [pieceBytes, ...smallerSteps]) {
    const gunzip = createGunzip({ chunkSize: pieceBytes });
    let passed = 0;
    try {
      for await (const piece of inflated(slices(packed, sound, step), gunzip)) {
        const fresh = piece.subarray(Math.max(0, given - passed));
        passed += piece.length;
        given = Math.max(given, passed);
        if (fresh.length > 0) yield fresh;
      }
      return gunzip.bytesWritten;
    } catch (error) {
      if (step === 1) throw error;
      sound = gunzip.bytesWritten;
    }
  }
  return packed.length;
}

async function* inflated(input: AsyncIterable<Buffer>, output: Transform): AsyncGenerator<Buffer> {
  // The output reports failures.
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

/** Yields pieces; from `fineFrom` on smaller ones, up to the length of one normal piece. */
async function* slices(bytes: Buffer, fineFrom = bytes.length, fine = pieceBytes): AsyncGenerator<Buffer> {
  let at = 0;
  const upTo = function* (end: number, step: number): Generator<Buffer> {
    while (at < end) {
      const piece = bytes.subarray(at, Math.min(end, at + step));
      at += piece.length;
      yield piece;
    }
  };
  yield* upTo(fineFrom, pieceBytes);
  yield* upTo(Math.min(bytes.length, fineFrom + pieceBytes), fine);
  yield* upTo(bytes.length, pieceBytes);
}

interface WithInfo {
  readonly buffer: Buffer;
  readonly engine: { readonly bytesWritten: number };
}

/** The result of zlib with the option `info`, which its types lack. */
export function withInfo(result: unknown): WithInfo {
  return result as WithInfo;
}
