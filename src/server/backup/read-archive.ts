/**
 * Reads a backup from an unknown source into an empty folder. It may hold regular files from a closed list of names, each
 * once; it may be no longer than it says and there is room for; and the digests at its end have to fit all of it. So an
 * archive that is cut short or changed is refused before anything is made of it.
 */
import { createHash, type Hash } from 'node:crypto';
import { closeSync, mkdirSync, openSync, statfsSync, writeSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createZstdDecompress } from 'node:zlib';
import { registrySchema } from '../../content/index.ts';
import { gateSchema } from '../../gate/index.ts';
import { openTarReader, type TarEntry } from '../../images/index.ts';
import { errnoOf, formatSize, isFault, messageOf } from '../../lib/index.ts';
import { knowsSchema } from '../../store/index.ts';
import { serverFault } from '../faults.ts';
import {
  type BackupHeader,
  digestInName,
  headerName,
  invalidBackup,
  isMemberName,
  limits,
  newer,
  parseHeader,
  sumLine,
  sumsName,
} from './members.ts';

interface ReadBackup {
  readonly header: BackupHeader;
  /** Blobs whose bytes are others than their names say, as they were in the server. */
  readonly damaged: readonly string[];
}

interface ReadOptions {
  readonly signal: AbortSignal;
  /** The archive belongs to the operator, the folder to another user. */
  readonly aside: <T>(work: () => Promise<T>) => Promise<T>;
  readonly onBytes: (bytes: number, total: number) => void;
}

const pieceBytes = 256 * 1024;

/**
 * @param into an empty folder, left half-filled on failure
 * @throws Fault BACKUP_INVALID, BACKUP_NEWER, BACKUP_FAILED when there is no room
 */
export async function readArchive(file: string, into: string, options: ReadOptions): Promise<ReadBackup> {
  using reading = openReading(into, options.onBytes);
  try {
    const handle = await options.aside(() => open(file));
    await pipeline(
      handle.createReadStream({ highWaterMark: pieceBytes }),
      createZstdDecompress({ chunkSize: pieceBytes }),
      async (bytes: AsyncIterable<Buffer>) => {
        for await (const piece of bytes) await reading.push(piece);
      },
      { signal: options.signal },
    );
    return reading.end();
  } catch (cause) {
    if (options.signal.aborted) throw cause;
    // The reader of tar speaks of layers and archives.
    if (isFault(cause) && !/^ARCHIVE_/.test(cause.code)) throw cause;
    const errno = errnoOf(cause);
    if (errno === undefined) throw invalidBackup(messageOf(cause), cause);
    throw serverFault('BACKUP_FAILED', `${file} can't be restored to ${into}: ${messageOf(cause)}`, {
      cause,
    });
  }
}

interface Reading extends Disposable {
  push(bytes: Buffer): Promise<void>;
  end(): ReadBackup;
}

interface Open {
  readonly name: string;
  readonly hash: Hash;
  /** Undefined: it is kept in memory. */
  readonly descriptor: number | undefined;
  readonly pieces: Buffer[];
}

function openReading(into: string, onBytes: ReadOptions['onBytes']): Reading {
  const seen = new Set<string>();
  const damaged: string[] = [];
  let header: BackupHeader | undefined;
  let sums = '';
  let hasEnded = false;
  let bytes = 0;
  let current: Open | undefined;

  const begin = (entry: TarEntry): Open => {
    const name = nameOf(entry);
    if (hasEnded) throw invalidBackup('something follows its digests');
    if (header === undefined ? name !== headerName : name !== sumsName && !isMemberName(name)) {
      throw invalidBackup(
        header === undefined
          ? `it does not begin with ${headerName}`
          : `it has ${JSON.stringify(name)}, which no backup has`,
      );
    }
    if (seen.has(name)) throw invalidBackup(`it has ${name} twice`);
    seen.add(name);
    const inMemory = name === headerName || name === sumsName;
    const longest = name === headerName ? limits.headerBytes : Buffer.byteLength(sums);
    if (inMemory && entry.sizeBytes > longest) throw invalidBackup(`${name} is too long`);
    if (!inMemory) count(entry.sizeBytes);
    return {
      name,
      hash: createHash('sha256'),
      pieces: [],
      descriptor: inMemory ? undefined : create(into, name),
    };
  };
  const count = (size: number): void => {
    bytes += size;
    if (bytes > (header?.bytes ?? 0)) throw invalidBackup('it is longer than it says');
    onBytes(bytes, header?.bytes ?? 0);
  };
  const reader = openTarReader(
    {
      maxEntries: limits.files + 2,
      maxTotalBytes: Number.MAX_SAFE_INTEGER,
      maxNameBytes: limits.nameBytes,
      longestWhole: 0,
    },
    (entry, piece) => {
      current ??= begin(entry);
      current.hash.update(piece);
      if (current.descriptor === undefined) current.pieces.push(Buffer.from(piece));
      else writeAll(current.descriptor, piece);
    },
  );
  const finish = async (done: Open): Promise<void> => {
    if (done.descriptor !== undefined) closeSync(done.descriptor);
    current = undefined;
    const sha256 = done.hash.digest('hex');
    const text = Buffer.concat(done.pieces).toString();
    if (done.name === sumsName) {
      hasEnded = true;
      if (text !== sums) throw invalidBackup('something in it has another digest than was written down');
      return;
    }
    sums += sumLine(done.name, sha256);
    if ((digestInName(done.name) ?? sha256) !== sha256) damaged.push(done.name);
    if (done.name !== headerName) return;
    header = parseHeader(text);
    await checkSchemas(header);
    checkRoom(into, header.bytes);
  };
  return {
    async push(piece) {
      reader.push(piece);
      for (let read = reader.next(); read !== undefined; read = reader.next()) {
        await finish(current ?? begin(read.entry));
      }
    },
    end() {
      reader.end();
      if (header === undefined || !hasEnded) throw invalidBackup('it is cut short');
      if (seen.size - 2 !== header.files) throw invalidBackup('it has fewer files than it says');
      return { header, damaged };
    },
    [Symbol.dispose]() {
      if (current?.descriptor !== undefined) closeSync(current.descriptor);
    },
  };
}

function nameOf(entry: TarEntry): string {
  const name = entry.name.toString('utf8');
  if (entry.type !== 'file') throw invalidBackup(`${JSON.stringify(name)} is not a regular file`);
  return name;
}

function create(into: string, name: string): number {
  const path = join(into, name);
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  return openSync(path, 'wx', 0o600);
}

function writeAll(descriptor: number, piece: Buffer): void {
  for (let at = 0; at < piece.length; ) at += writeSync(descriptor, piece, at);
}

async function checkSchemas({ schemas: { state, registry, gate } }: BackupHeader): Promise<void> {
  if (!(await knowsSchema(state))) throw newer(`migration ${JSON.stringify(state)} of the database`);
  if ((registry ?? 0) > registrySchema) throw newer(`form ${registry} of the registry`);
  if ((gate ?? 0) > gateSchema) throw newer(`form ${gate} of the gate’s file`);
}

function checkRoom(folder: string, bytes: number): void {
  const { bavail, bsize } = statfsSync(folder);
  if (bavail * bsize >= bytes) return;
  throw serverFault('BACKUP_FAILED', `${folder} has no room for the ${formatSize(bytes)} of the backup`, {
    hint: 'free disk space, or name another data folder with --data DIR',
  });
}
