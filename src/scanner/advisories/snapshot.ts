/**
 * Snapshots of the advisory file, for servers that share one: packed by the one, and put in place by another in the same step as
 * the file of an import. What another server says is checked: a snapshot is exactly as long, and of exactly the content, as it
 * was announced.
 */
import { createWriteStream, existsSync, mkdirSync, rmSync } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { pipeline, type Readable } from 'node:stream';
import { pipeline as piped } from 'node:stream/promises';
import { constants, createZstdCompress, createZstdDecompress } from 'node:zlib';
import { isFault, messageOf, tryFileLock } from '../../lib/index.ts';
import { scannerFault } from '../faults.ts';
import { compareDigest, noteDigest } from './digest.ts';
import { newFileFor, putInPlace, removeLeftovers } from './importing/new-file.ts';
import { corrupt } from './importing/old.ts';
import { readMark } from './reader.ts';
import { formOf, formVersion, openReadOnly } from './schema.ts';
import type { AdvisoryMark } from './types.ts';

export interface PackedSnapshot {
  readonly mark: AdvisoryMark;
  /** Of the file. */
  readonly bytes: number;
  /** Its bytes, compressed. */
  readonly packed: Readable;
}

export interface NewSnapshot {
  /** Of the advisory file. */
  readonly path: string;
  readonly mark: AdvisoryMark;
  readonly bytes: number;
  readonly packed: Readable;
  readonly signal?: AbortSignal | undefined;
}

/** Files of another form can't be read. */
export const snapshotForm = formVersion;

const pieceBytes = 256 * 1024;
/** 8 MiB: the most memory for a window. */
const windowLogMax = 23;

/** All servers agree which of two snapshots is the later one. */
export function isLater(one: AdvisoryMark | undefined, other: AdvisoryMark | undefined): boolean {
  if (one === undefined || other === undefined) return one !== undefined;
  return one.builtAt === other.builtAt ? one.revision > other.revision : one.builtAt > other.builtAt;
}

/** @throws Fault ADVISORIES_CORRUPT, ADVISORIES_BUSY when the file is replaced meanwhile, and errors of the file system */
export async function packSnapshot(path: string): Promise<PackedSnapshot> {
  // Otherwise every server would get the damage.
  if ((await compareDigest(path)) === 'differs') throw corrupt(path, 'its content is not what was imported');
  const file = await open(path);
  try {
    const { ino, size: bytes } = await file.stat();
    const mark = markOf(path);
    if ((await stat(path)).ino !== ino) throw busy(path);
    const compress = createZstdCompress({ chunkSize: pieceBytes });
    const packed = pipeline(file.createReadStream({ highWaterMark: pieceBytes }), compress, () => {});
    return { mark, bytes, packed };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/**
 * Replaces the file, unless it is a later one.
 * @returns whether it was replaced
 * @throws Fault ADVISORIES_CORRUPT, ADVISORIES_UNSUPPORTED, ADVISORIES_BUSY, and errors of the file system
 */
export async function putSnapshot({ path, mark, bytes, packed, signal }: NewSnapshot): Promise<boolean> {
  mkdirSync(dirname(path), { recursive: true });
  using lock = tryFileLock(`${path}.lock`);
  if (lock === undefined) {
    packed.destroy();
    throw busy(path);
  }
  removeLeftovers(path);
  const temporary = newFileFor(path);
  try {
    await unpack(packed, temporary, bytes, signal);
    check(temporary, mark);
    if (isLater(markAt(path), mark)) return false;
    await noteDigest(temporary, path);
    putInPlace(temporary, path);
    return true;
  } finally {
    rmSync(temporary, { force: true });
  }
}

async function unpack(
  packed: Readable,
  to: string,
  bytes: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const params = { [constants.ZSTD_d_windowLogMax]: windowLogMax };
  const unzip = createZstdDecompress({ chunkSize: pieceBytes, params });
  let size = 0;
  try {
    await piped(
      packed,
      unzip,
      async function* bounded(pieces: AsyncIterable<Buffer>) {
        for await (const piece of pieces) {
          size += piece.length;
          if (size > bytes) throw unusable(`it has more than the ${bytes} bytes that were announced`);
          yield piece;
        }
      },
      // Flushed here, where no one waits for the disk: `putInPlace` would hold the thread.
      createWriteStream(to, { flags: 'wx', flush: true }),
      { signal },
    );
  } catch (error) {
    if (isFault(error) || !isOfZstd(error)) throw error;
    throw unusable(messageOf(error));
  }
  if (size < bytes) throw unusable(`it has ${size} bytes of the ${bytes} that were announced`);
}

function isOfZstd(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('ZSTD_');
}

/** A view could make a query endless. */
const strangers = `select count(*) as count from sqlite_schema
  where type not in ('table', 'index') or sql like 'create virtual%'`;

function check(file: string, { revision, builtAt }: AdvisoryMark): void {
  let found: AdvisoryMark;
  try {
    const db = openReadOnly(file);
    try {
      if (formOf(db) !== 'ours') throw unusable('this version of Ward can’t read its form');
      if (db.prepare(strangers).get()?.['count'] !== 0) throw unusable('it has more than tables');
      found = readMark(db);
    } finally {
      db.close();
    }
  } catch (error) {
    throw error instanceof Error && 'errcode' in error ? unusable(error.message) : error;
  }
  if (found.revision !== revision || found.builtAt !== builtAt)
    throw unusable(
      `it is revision ${found.revision} of ${found.builtAt}, and ${revision} of ${builtAt} was announced`,
    );
}

/** Undefined when there is no file that could be read. */
function markAt(path: string): AdvisoryMark | undefined {
  if (!existsSync(path)) return undefined;
  try {
    return markOf(path);
  } catch {
    return undefined;
  }
}

function markOf(path: string): AdvisoryMark {
  const db = openReadOnly(path);
  try {
    return readMark(db);
  } finally {
    db.close();
  }
}

function unusable(reason: string) {
  return scannerFault('ADVISORIES_CORRUPT', `the snapshot of advisories can’t be used: ${reason}`, {
    hint: 'Update the advisories on a node of the cluster: it shares them again.',
  });
}

function busy(path: string) {
  return scannerFault('ADVISORIES_BUSY', `another process is replacing ${path}`, {
    hint: 'Wait for it to end, then try again.',
  });
}
