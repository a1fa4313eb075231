/**
 * The entries of a zip that is in memory, for archives that are read and never unpacked: jars, wars, eggs. What is
 * refused there as unsafe to unpack (`src/images/unpack/zip.ts`) does no harm here, and real jars have it.
 */
import type { Readable } from 'node:stream';
import { inflateRawSync } from 'node:zlib';
import { type Entry, fromBufferPromise } from 'yauzl';

export interface ZipEntry {
  readonly name: string;
  readonly sizeBytes: number;
  /** Permission bits, as far as a Unix wrote them. */
  readonly mode: number;
  /** Throws when it is longer than `maxBytes`, damaged or encrypted. */
  read(maxBytes: number): Promise<Buffer>;
  /** Fails when it is damaged, encrypted or longer than it says. */
  open(): Promise<Readable>;
}

const maxEntries = 200_000;
const storedMethod = 0;
const deflatedMethod = 8;
/** zlib's own limit. */
const smallestChunk = 64;

/** Throws when it is no zip. */
export async function* zipEntries(bytes: Buffer): AsyncGenerator<ZipEntry> {
  const zip = await fromBufferPromise(bytes, { validateEntrySizes: true, strictFileNames: false });
  if (zip.entryCount > maxEntries) throw new Error(`it has more than ${maxEntries} entries`);
  const read = async (entry: Entry, maxBytes: number): Promise<Buffer> => {
    const { compressedSize, uncompressedSize, compressionMethod } = entry;
    if (entry.isEncrypted()) throw new Error(`${entry.fileName} is encrypted`);
    if (uncompressedSize > maxBytes) throw new Error(`${entry.fileName} is too long`);
    const { fileDataStart } = await zip.readLocalFileHeaderPromise(entry, { minimal: true });
    const packed = bytes.subarray(fileDataStart, fileDataStart + compressedSize);
    if (compressionMethod === storedMethod) return packed;
    if (compressionMethod === deflatedMethod) return inflated(entry.fileName, packed, uncompressedSize);
    throw new Error(`${entry.fileName} is compressed by an unknown method`);
  };
  for await (const entry of zip.eachEntry()) {
    yield {
      name: entry.fileName,
      sizeBytes: entry.uncompressedSize,
      mode: (entry.externalFileAttributes >>> 16) & 0o7777,
      read: (maxBytes) => read(entry, maxBytes),
      open: () => zip.openReadStreamPromise(entry),
    };
  }
}

/** In memory of its own and in one piece, for which zlib needs room for a byte more. Throws when it is longer. */
function inflated(name: string, packed: Buffer, length: number): Buffer {
  try {
    return inflateRawSync(packed, {
      maxOutputLength: Math.max(1, length),
      chunkSize: Math.max(smallestChunk, length + 1),
    });
  } catch (cause) {
    const isLonger = codeOf(cause) === 'ERR_BUFFER_TOO_LARGE';
    throw new Error(`${name} is ${isLonger ? 'longer than it says' : 'damaged'}`, { cause });
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
