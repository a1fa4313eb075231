/** Compressed bytes that are in memory → what they were, in pieces, or at once where that is little. */
import { pipeline, type Transform } from 'node:stream';
import { constants, createGunzip, createZstdDecompress, gunzipSync } from 'node:zlib';
import { openReleasing, zstdFrames } from '../../images/index.ts';
import { bunzipped } from './bzip2.ts';
import type { CompressedForm } from './forms.ts';
import { unlzmaed, unxzed } from './xz.ts';

const pieceBytes = 256 * 1024;
const smallerSteps = [4096, 64, 1];
/** Man pages and change logs, of which a root file system has thousands: a stream for each costs more than they do. */
const smallPackedBytes = 128 * 1024;
const smallBytes = 4 * 1024 * 1024;
/** 64 MiB: what a window may take in memory. `zstd --ultra` and `--long` can ask for more. */
const windowLogMax = 26;

/** Of those, what can be read as it comes. */
type StreamedForm = Extract<CompressedForm, 'gzip' | 'zstd'>;

/** Undefined when it is not little, or not whole. */
export function smallGunzipped(packed: Buffer): Buffer | undefined {
  if (packed.length > smallPackedBytes) return undefined;
  try {
    const { buffer, engine } = withInfo(gunzipSync(packed, { maxOutputLength: smallBytes, info: true }));
    return engine.bytesWritten === packed.length ? buffer : undefined;
  } catch {
    return undefined;
  }
}

/** Each piece is valid until the next but one is asked for. Fails at its end when it is damaged or cut short. */
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

/** What comes as a stream. Each piece is valid until the next but one is asked for. */
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
  // Node stops at a zero behind a member, and says nothing; Python reads the member behind the zeros.
  if (gunzip.bytesWritten < taken) throw new Error('something else follows its gzip');
}

/** Members one after the other, with zeros between them, as Python reads them. */
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
 * Until the last, or a zero behind one. What zlib has made of a piece when it finds damage in it, it keeps to itself: so
 * the piece is shown to it anew, in smaller ones, until only what is made of one byte is missing.
 * @returns how many bytes they take
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

/** From some place on in smaller ones, as many as make one of the others. */
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

/** What zlib returns with `info`, of which its types say nothing. */
export function withInfo(result: unknown): WithInfo {
  return result as WithInfo;
}
