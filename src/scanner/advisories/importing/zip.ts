/** Reads the JSON files of a zip one by one, straight from the disk: OSV's exports have hundreds of thousands. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { crc32, inflateRawSync } from 'node:zlib';
import { type Entry, fromRandomAccessReaderPromise, RandomAccessReader } from 'yauzl';
import { isFault, messageOf } from '../../../lib/index.ts';
import { damaged, maxRecordBytes, refuseGrowth } from './input.ts';

interface ZippedFile {
  readonly name: string;
  readonly text: string;
}

const maxEntries = 5_000_000;
const localHeaderBytes = 30;
const blockBytes = 1024 * 1024;

/**
 * Calls `progress` with the number of packed bytes read.
 * @throws Fault ADVISORY_FILE_INVALID, ADVISORY_FILE_TOO_LARGE
 */
export async function* zippedJson(
  path: string,
  progress: (bytes: number) => void,
): AsyncGenerator<ZippedFile> {
  const fd = openSync(path, 'r');
  try {
    const size = fstatSync(fd).size;
    const zip = await fromRandomAccessReaderPromise(new BlockReader(fd), size, { autoClose: false });
    if (zip.entryCount > maxEntries) throw damaged(path, `it has ${zip.entryCount} entries`);
    const content = new BlockReader(fd);
    let unpacked = 0;
    let packed = 0;
    for await (const entry of zip.eachEntry()) {
      if (!entry.fileName.endsWith('.json')) continue;
      packed += entry.compressedSize;
      unpacked += entry.uncompressedSize;
      refuseGrowth(path, packed, unpacked);
      progress(Math.min(packed, size));
      yield { name: entry.fileName, text: readEntry(path, content, entry) };
    }
  } catch (error) {
    throw isFault(error) ? error : damaged(path, `it is not a whole zip: ${messageOf(error)}`);
  } finally {
    closeSync(fd);
  }
}

function readEntry(path: string, reader: BlockReader, entry: Entry): string {
  const { fileName, compressedSize, uncompressedSize, relativeOffsetOfLocalHeader: start } = entry;
  if ((entry.generalPurposeBitFlag & 0x41) !== 0) throw damaged(path, `${fileName} is encrypted`);
  if (uncompressedSize > maxRecordBytes || compressedSize > maxRecordBytes) {
    throw damaged(path, `${fileName} is too long`);
  }
  const header = reader.bytes(start, localHeaderBytes);
  const dataStart = start + localHeaderBytes + header.readUInt16LE(26) + header.readUInt16LE(28);
  const data = reader.bytes(dataStart, compressedSize);
  const text = unpack(path, entry, data, uncompressedSize);
  if (text.length !== uncompressedSize || crc32(text) !== entry.crc32)
    throw damaged(path, `${fileName} is damaged`);
  return text.toString('utf8');
}

function unpack(
  path: string,
  { compressionMethod, fileName }: Entry,
  data: Buffer,
  maxLength: number,
): Buffer {
  if (compressionMethod === 0) return data;
  if (compressionMethod !== 8) throw damaged(path, `${fileName} is compressed by an unknown method`);
  return inflateRawSync(data, { maxOutputLength: Math.max(maxLength, 1) });
}

/** Reads whole blocks, so that a hundred thousand entries don't cost a hundred thousand reads. */
class BlockReader extends RandomAccessReader {
  readonly #fd: number;
  #start = 0;
  #block = Buffer.alloc(0);

  constructor(fd: number) {
    super();
    this.#fd = fd;
  }

  /** @throws RangeError at the end of the file */
  bytes(position: number, length: number): Buffer {
    const offset = position - this.#start;
    if (offset < 0 || offset + length > this.#block.length) return this.#load(position, length);
    return this.#block.subarray(offset, offset + length);
  }

  override read(
    target: Buffer,
    offset: number,
    length: number,
    position: number,
    done: (error: Error | null) => void,
  ): void {
    queueMicrotask(() => {
      try {
        this.bytes(position, length).copy(target, offset);
        done(null);
      } catch (error) {
        done(error instanceof Error ? error : new Error(messageOf(error)));
      }
    });
  }

  override close(done: (error: Error | null) => void): void {
    done(null);
  }

  #load(position: number, length: number): Buffer {
    const block = Buffer.allocUnsafe(Math.max(blockBytes, length));
    let filled = 0;
    while (filled < block.length) {
      const read = readSync(this.#fd, block, filled, block.length - filled, position + filled);
      if (read === 0) break;
      filled += read;
    }
    if (filled < length) throw new RangeError('it is cut off');
    this.#start = position;
    this.#block = block.subarray(0, filled);
    return this.#block.subarray(0, length);
  }
}
