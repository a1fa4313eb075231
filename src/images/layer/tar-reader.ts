/**
 * Reads a tar archive, entry by entry, while its bytes arrive. The caller pushes bytes and pulls entries, without a
 * stream: a layer has tens of thousands of small files, and their cost is the cost of a scan.
 *
 * Refuses an archive that programs read differently (ARCHIVE_INVALID): two names for an entry, sparse files, unknown
 * types, unexpected sizes, data after the end. Refuses one over a limit (ARCHIVE_TOO_LARGE). The caller judges names
 * and links. Sources: POSIX.1-2017, pax; GNU tar manual, "Basic Tar Format"; archive/tar of Go, which Docker uses.
 */
import { formatSize } from '../../lib/index.ts';
import { imageFault } from '../faults.ts';
import { openBuffering } from './buffering.ts';
import { addExtra, type Extras, entryOf, type TarEntry } from './tar-entry.ts';
import { blockBytes, invalidTar, parseTarHeader, type TarHeader } from './tar-header.ts';

/** An entry with its content. The buffers are valid until the next push. */
export interface ReadEntry {
  readonly entry: TarEntry;
  readonly head: Buffer;
  /** Undefined when the file is not read whole. */
  readonly content: Buffer | undefined;
}

export interface TarLimits {
  readonly maxEntries: number;
  readonly maxTotalBytes: number;
  /** Limit for all names together: the caller keeps them. */
  readonly maxNameBytes: number;
  /** Longer files go to `Watch` piece by piece. */
  readonly longestWhole: number;
}

/** Gets the files that are not read whole, piece by piece. */
export type Watch = (entry: TarEntry, piece: Buffer) => void;

/**
 * Selects the files to read whole; of the others, the reader returns only the head.
 * @param start the first `startBytes` of the file, or all of it
 */
export type IsWanted = (entry: TarEntry, start: Buffer) => boolean;

/** The length of the head of each file. */
export const headBytes = 64 * 1024;
/** For names and PAX records before an entry; on Linux, an attribute of a file has at most 64 KiB. */
const maxExtraBytes = 1024 * 1024;
const empty = Buffer.alloc(0);
/** The part of a file that `IsWanted` sees, with its padding: enough to recognise programs and archives. */
const startBytes = blockBytes;

interface Body {
  readonly entry: TarEntry;
  /** Holds the whole file, or only its head. */
  readonly room: Buffer;
  readonly isWhole: boolean;
  filled: number;
}

export class TarReader {
  readonly #limits: TarLimits;
  readonly #watch: Watch;
  readonly #isWanted: IsWanted;
  readonly #input = openBuffering();
  #extras: Extras = {};
  #body: Body | undefined;
  #padding = 0;
  #entries = 0;
  #total = 0;
  #names = 0;
  #hasEnded = false;
  #room: Buffer = Buffer.allocUnsafeSlow(headBytes);

  constructor(limits: TarLimits, watch: Watch, isWanted: IsWanted = () => true) {
    this.#limits = limits;
    this.#watch = watch;
    this.#isWanted = isWanted;
  }

  push(bytes: Buffer): void {
    this.#input.push(bytes);
  }

  /** The next whole entry; undefined when more bytes are needed. @throws Fault ARCHIVE_INVALID, ARCHIVE_TOO_LARGE */
  next(): ReadEntry | undefined {
    for (;;) {
      if (this.#body !== undefined) return this.#readBody(this.#body);
      this.#padding -= this.#input.skip(this.#padding);
      if (this.#padding > 0) return undefined;
      const block = this.#input.take(blockBytes);
      if (block === undefined) return undefined;
      if (isZero(block)) {
        this.#hasEnded = true;
        this.#count(blockBytes);
      } else if (this.#hasEnded) throw invalidTar('data follows its end');
      else {
        const header = parseTarHeader(block);
        if (/^[xgLK]$/.test(header.type)) {
          if (!this.#readExtra(header)) return undefined;
        } else return this.#begin(header);
      }
    }
  }

  /** Call it after the last push. @throws Fault ARCHIVE_INVALID when the archive is truncated */
  end(): void {
    if (this.#body !== undefined || this.#padding > 0 || this.#input.held() > 0)
      throw invalidTar('it is cut short');
    if (Object.keys(this.#extras).length > 0) throw invalidTar('its last entry is missing');
  }

  /** Reads PAX records or a long name. Returns false, with the header put back, when it is still incomplete. */
  #readExtra(header: TarHeader): boolean {
    if (header.sizeBytes > maxExtraBytes)
      throw tooLarge('the extra headers of an entry are longer than 1 MiB');
    const bytes = this.#input.take(padded(header.sizeBytes));
    if (bytes === undefined) {
      this.#input.putBack(blockBytes);
      return false;
    }
    this.#count(bytes.length);
    addExtra(this.#extras, header.type, bytes.subarray(0, header.sizeBytes));
    return true;
  }

  /** Undefined when more bytes are needed; with the header put back when even the start of the file is missing. */
  #begin(header: TarHeader): ReadEntry | undefined {
    const entry = entryOf(header, this.#extras);
    if (entry.sizeBytes > 0 && this.#input.held() < startBytes) {
      this.#input.putBack(blockBytes);
      return undefined;
    }
    this.#extras = {};
    this.#countEntry(entry);
    this.#padding = padded(entry.sizeBytes) - entry.sizeBytes;
    if (entry.sizeBytes === 0) return { entry, head: empty, content: empty };
    const { longestWhole } = this.#limits;
    const isWhole = entry.sizeBytes <= longestWhole && this.#isWanted(entry, this.#input.peek(startBytes));
    const content = isWhole ? this.#input.take(entry.sizeBytes) : undefined;
    if (content !== undefined) return { entry, head: content.subarray(0, headBytes), content };
    this.#body = {
      entry: kept(entry),
      room: this.#roomFor(isWhole ? entry.sizeBytes : Math.min(entry.sizeBytes, headBytes)),
      isWhole,
      filled: 0,
    };
    return this.#readBody(this.#body);
  }

  #readBody(body: Body): ReadEntry | undefined {
    const { entry, room, isWhole } = body;
    while (body.filled < entry.sizeBytes) {
      const piece = this.#input.some(entry.sizeBytes - body.filled);
      if (piece === undefined) return undefined;
      if (body.filled < room.length) piece.copy(room, body.filled);
      if (!isWhole) this.#watch(entry, piece);
      body.filled += piece.length;
    }
    this.#body = undefined;
    return { entry, head: room.subarray(0, headBytes), content: isWhole ? room : undefined };
  }

  #countEntry(entry: TarEntry): void {
    const { maxEntries, maxNameBytes } = this.#limits;
    if (++this.#entries > maxEntries) throw tooLarge(`it has more than ${maxEntries} entries`);
    this.#names += entry.name.length;
    if (this.#names > maxNameBytes) throw tooLarge(`its names are longer than ${formatSize(maxNameBytes)}`);
    this.#count(entry.sizeBytes);
  }

  #count(bytes: number): void {
    const { maxTotalBytes } = this.#limits;
    this.#total += bytes;
    if (this.#total > maxTotalBytes) throw tooLarge(`it holds more than ${formatSize(maxTotalBytes)}`);
  }

  /** Reuses the memory of the last file: buffers of large files would accumulate until they are collected. */
  #roomFor(length: number): Buffer {
    if (length > this.#room.length) {
      const { longestWhole } = this.#limits;
      this.#room = Buffer.allocUnsafeSlow(Math.max(length, Math.min(longestWhole, length * 2)));
    }
    return this.#room.subarray(0, length);
  }
}

/** Copies an entry that takes more than one push. */
function kept(entry: TarEntry): TarEntry {
  return { ...entry, name: Buffer.from(entry.name), linkName: Buffer.from(entry.linkName) };
}

function padded(size: number): number {
  return Math.ceil(size / blockBytes) * blockBytes;
}

function isZero(block: Buffer): boolean {
  return block[0] === 0 && block.every((byte) => byte === 0);
}

function tooLarge(message: string): Error {
  return imageFault('ARCHIVE_TOO_LARGE', `the layer is too large: ${message}`);
}
