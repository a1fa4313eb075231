/**
 * Reads a backup from an untrusted source into an empty folder. The archive must contain only regular files from a
 * closed list of names, each once. It must not be longer than it declares, or than the free space, and the digests at
 * its end must match everything before. So a truncated or changed archive is refused before its content is used.
 */
import { createHash, type Hash } from 'node:crypto';
import { closeSync, mkdirSync, openSync, statfsSync, writeSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createZstdDecompress } from 'node:zlib';
import { registrySchema } from '../../content/index.ts';
import { gateSchema } from '../../gate/index.ts';
import { type TarEntry, TarReader } from '../../images/index.ts';
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
  /** Blobs that were already damaged on the server: their bytes do not match their digests. */
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
  using reading = new Reading(into, options.onBytes);
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
    // Faults of the tar reader are worded for layers and archives, so they are reworded.
    if (isFault(cause) && !/^ARCHIVE_/.test(cause.code)) throw cause;
    const errno = errnoOf(cause);
    if (errno === undefined) throw invalidBackup(messageOf(cause), cause);
    throw serverFault('BACKUP_FAILED', `${file} can't be restored to ${into}: ${messageOf(cause)}`, {
      cause,
    });
  }
}

interface Open {
  readonly name: string;
  readonly hash: Hash;
  /** Undefined for content that is kept in memory. */
  readonly descriptor: number | undefined;
  readonly pieces: Buffer[];
}

class Reading implements Disposable {
  readonly #into: string;
  readonly #onBytes: ReadOptions['onBytes'];
  readonly #tar: TarReader;
  readonly #seen = new Set<string>();
  readonly #damaged: string[] = [];
  #header: BackupHeader | undefined;
  #sums = '';
  #hasEnded = false;
  #bytes = 0;
  #current: Open | undefined;

  constructor(into: string, onBytes: ReadOptions['onBytes']) {
    this.#into = into;
    this.#onBytes = onBytes;
    this.#tar = new TarReader(
      {
        maxEntries: limits.files + 2,
        maxTotalBytes: Number.MAX_SAFE_INTEGER,
        maxNameBytes: limits.nameBytes,
        longestWhole: 0,
      },
      (entry, piece) => this.#take(entry, piece),
    );
  }

  async push(bytes: Buffer): Promise<void> {
    this.#tar.push(bytes);
    for (let read = this.#tar.next(); read !== undefined; read = this.#tar.next()) {
      await this.#finish(this.#current ?? this.#begin(read.entry));
    }
  }

  end(): ReadBackup {
    this.#tar.end();
    const header = this.#header;
    if (header === undefined || !this.#hasEnded) throw invalidBackup('it is truncated');
    if (this.#seen.size - 2 !== header.files) throw invalidBackup('it has fewer files than it declares');
    return { header, damaged: this.#damaged };
  }

  [Symbol.dispose](): void {
    if (this.#current?.descriptor !== undefined) closeSync(this.#current.descriptor);
  }

  #take(entry: TarEntry, piece: Buffer): void {
    this.#current ??= this.#begin(entry);
    this.#current.hash.update(piece);
    if (this.#current.descriptor === undefined) this.#current.pieces.push(Buffer.from(piece));
    else writeAll(this.#current.descriptor, piece);
  }

  #begin(entry: TarEntry): Open {
    const name = nameOf(entry);
    this.#checkName(name);
    this.#seen.add(name);
    const inMemory = name === headerName || name === sumsName;
    const longest = name === headerName ? limits.headerBytes : Buffer.byteLength(this.#sums);
    if (inMemory && entry.sizeBytes > longest) throw invalidBackup(`${name} is too long`);
    if (!inMemory) this.#count(entry.sizeBytes);
    return {
      name,
      hash: createHash('sha256'),
      pieces: [],
      descriptor: inMemory ? undefined : create(this.#into, name),
    };
  }

  #checkName(name: string): void {
    if (this.#hasEnded) throw invalidBackup('it continues after its digests');
    if (this.#header === undefined && name !== headerName) {
      throw invalidBackup(`it does not start with ${headerName}`);
    }
    if (this.#header !== undefined && name !== sumsName && !isMemberName(name)) {
      throw invalidBackup(`it has ${JSON.stringify(name)}, which does not belong in a backup`);
    }
    if (this.#seen.has(name)) throw invalidBackup(`it has ${name} twice`);
  }

  #count(size: number): void {
    const total = this.#header?.bytes ?? 0;
    this.#bytes += size;
    if (this.#bytes > total) throw invalidBackup('it is longer than it declares');
    this.#onBytes(this.#bytes, total);
  }

  async #finish(done: Open): Promise<void> {
    if (done.descriptor !== undefined) closeSync(done.descriptor);
    this.#current = undefined;
    const sha256 = done.hash.digest('hex');
    const text = Buffer.concat(done.pieces).toString();
    if (done.name === sumsName) {
      this.#hasEnded = true;
      if (text !== this.#sums) {
        throw invalidBackup('its content does not match its digests');
      }
      return;
    }
    this.#sums += sumLine(done.name, sha256);
    if ((digestInName(done.name) ?? sha256) !== sha256) this.#damaged.push(done.name);
    if (done.name !== headerName) return;
    this.#header = parseHeader(text);
    await checkSchemas(this.#header);
    checkRoom(this.#into, this.#header.bytes);
  }
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
