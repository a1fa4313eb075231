/**
 * A tar archive, entry by entry, while its bytes come in. Pushed to and pulled from, with no stream of its own: a
 * layer has tens of thousands of small files, and what each costs is what a scan costs.
 *
 * Refused as a whole (ARCHIVE_INVALID) is what programs read differently: names given twice, sparse files, unknown
 * types, sizes where none belong, anything after the end. Over a limit: ARCHIVE_TOO_LARGE. Names and links are the
 * caller's to judge.
 * Sources: POSIX.1-2017, pax; GNU tar manual, "Basic Tar Format"; archive/tar of Go, which Docker reads with.
 */
import { formatSize } from '../../lib/index.ts';
import { imageFault } from '../faults.ts';
import { openBuffering } from './buffering.ts';
import { addExtra, type Extras, entryOf, type TarEntry } from './tar-entry.ts';
import { blockBytes, invalidTar, parseTarHeader, type TarHeader } from './tar-header.ts';

/** An entry with what it holds. The buffers are valid until the next push. */
export interface ReadEntry {
  readonly entry: TarEntry;
  readonly head: Buffer;
  /** Undefined when it is longer than what is read whole. */
  readonly content: Buffer | undefined;
}

export interface TarLimits {
  readonly maxEntries: number;
  readonly maxTotalBytes: number;
  /** Of all names taken together, which are kept. */
  readonly maxNameBytes: number;
  /** Longer files are shown piece by piece. */
  readonly longestWhole: number;
}

/** Is shown the files that are not read whole, piece by piece. */
export type Watch = (entry: TarEntry, piece: Buffer) => void;

/**
 * Says which files are to be read whole; the others are handed over by their head alone.
 * @param start Its first bytes: `startBytes`, or all that it has.
 */
export type IsWanted = (entry: TarEntry, start: Buffer) => boolean;

export interface TarReader {
  push(bytes: Buffer): void;
  /** The next whole entry; undefined when more bytes are needed. @throws Fault ARCHIVE_INVALID, ARCHIVE_TOO_LARGE */
  next(): ReadEntry | undefined;
  /** After the last push. @throws Fault ARCHIVE_INVALID when the archive is cut short */
  end(): void;
}

/** Of each file that is handed on, whatever its length. */
export const headBytes = 64 * 1024;
/** Of names and PAX records before an entry; Linux lets no more be in a file's attributes than 64 KiB each. */
const maxExtraBytes = 1024 * 1024;
const empty = Buffer.alloc(0);
/** Of a file, before it is said whether it is read whole: programs and archives are known by so many. The padding counts. */
const startBytes = blockBytes;

interface Body {
  readonly entry: TarEntry;
  /** For all of it, or for the head alone. */
  readonly room: Buffer;
  readonly isWhole: boolean;
  filled: number;
}

export function openTarReader(limits: TarLimits, watch: Watch, isWanted: IsWanted = () => true): TarReader {
  const input = openBuffering();
  let extras: Extras = {};
  let body: Body | undefined;
  let padding = 0;
  let entries = 0;
  let total = 0;
  let names = 0;
  let ended = false;
  let room: Buffer = Buffer.allocUnsafeSlow(headBytes);

  /** The same memory for one file after the other: large files would pile up until they are collected. */
  const roomFor = (length: number): Buffer => {
    if (length > room.length)
      room = Buffer.allocUnsafeSlow(Math.max(length, Math.min(limits.longestWhole, length * 2)));
    return room.subarray(0, length);
  };

  const next = (): ReadEntry | undefined => {
    for (;;) {
      if (body !== undefined) return readBody();
      padding -= input.skip(padding);
      if (padding > 0) return undefined;
      const block = input.take(blockBytes);
      if (block === undefined) return undefined;
      if (isZero(block)) {
        ended = true;
        count(blockBytes);
      } else if (ended) throw invalidTar('data follows its end');
      else {
        const header = parseTarHeader(block);
        if (/^[xgLK]$/.test(header.type)) {
          if (!readExtra(header)) return undefined;
        } else return begin(header);
      }
    }
  };

  /** False, with its header put back, when it is not all there yet. */
  const readExtra = (header: TarHeader): boolean => {
    if (header.sizeBytes > maxExtraBytes)
      throw tooLarge('the extra headers of an entry are longer than 1 MiB');
    const bytes = input.take(padded(header.sizeBytes));
    if (bytes === undefined) {
      input.putBack(blockBytes);
      return false;
    }
    count(bytes.length);
    addExtra(extras, header.type, bytes.subarray(0, header.sizeBytes));
    return true;
  };

  const count = (bytes: number): void => {
    total += bytes;
    if (total > limits.maxTotalBytes)
      throw tooLarge(`it holds more than ${formatSize(limits.maxTotalBytes)}`);
  };

  /** Undefined when more bytes are needed; with its header put back, when not even its start is there. */
  const begin = (header: TarHeader): ReadEntry | undefined => {
    const entry = entryOf(header, extras);
    if (entry.sizeBytes > 0 && input.held() < startBytes) {
      input.putBack(blockBytes);
      return undefined;
    }
    extras = {};
    if (++entries > limits.maxEntries) throw tooLarge(`it has more than ${limits.maxEntries} entries`);
    names += entry.name.length;
    if (names > limits.maxNameBytes)
      throw tooLarge(`its names are longer than ${formatSize(limits.maxNameBytes)}`);
    count(entry.sizeBytes);
    padding = padded(entry.sizeBytes) - entry.sizeBytes;
    if (entry.sizeBytes === 0) return { entry, head: empty, content: empty };
    const isWhole = entry.sizeBytes <= limits.longestWhole && isWanted(entry, input.peek(startBytes));
    const content = isWhole ? input.take(entry.sizeBytes) : undefined;
    if (content !== undefined) return { entry, head: content.subarray(0, headBytes), content };
    body = {
      entry: kept(entry),
      room: roomFor(isWhole ? entry.sizeBytes : Math.min(entry.sizeBytes, headBytes)),
      isWhole,
      filled: 0,
    };
    return readBody();
  };

  const readBody = (): ReadEntry | undefined => {
    if (body === undefined) return undefined;
    const { entry, room, isWhole } = body;
    while (body.filled < entry.sizeBytes) {
      const piece = input.some(entry.sizeBytes - body.filled);
      if (piece === undefined) return undefined;
      if (body.filled < room.length) piece.copy(room, body.filled);
      if (!isWhole) watch(entry, piece);
      body.filled += piece.length;
    }
    body = undefined;
    return { entry, head: room.subarray(0, headBytes), content: isWhole ? room : undefined };
  };

  const end = (): void => {
    if (body !== undefined || padding > 0 || input.held() > 0) throw invalidTar('it is cut short');
    if (Object.keys(extras).length > 0) throw invalidTar('its last entry is missing');
  };
  return { push: input.push, next, end };
}

/** Of what comes in more than one push. */
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
