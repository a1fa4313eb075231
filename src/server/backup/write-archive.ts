/** Writes a backup: tar, zstd, a file that appears whole. */
import { createHash } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { createZstdCompress, constants as zlibConstants } from 'node:zlib';
import { pack } from 'tar-stream';
import { renameDurably } from '../../blobs/index.ts';
import { errnoOf, isFault, messageOf, nodeCodeOf } from '../../lib/index.ts';
import { serverFault } from '../faults.ts';
import { digestInName, headerName, type Member, sumLine, sumsName } from './members.ts';
import type { Snapshot } from './snapshot.ts';

interface WrittenArchive {
  /** Of the file. */
  readonly bytes: number;
  /** Blobs whose bytes are others than their names say: so they were in the server. */
  readonly damaged: readonly string[];
}

interface WriteOptions {
  readonly signal: AbortSignal;
  /** Bytes of members so far. */
  readonly onBytes: (bytes: number) => void;
  /** Members are read with the rights of their owner; the file is the operator's. */
  readonly aside: <T>(work: () => Promise<T>) => Promise<T>;
}

/** Most of it is packed already. */
const compressionLevel = 3;
const pieceBytes = 256 * 1024;

/**
 * Replaces what is there in one step, when all of it is on disk.
 * @throws Fault BACKUP_FAILED
 */
export async function writeArchive(
  snapshot: Snapshot,
  file: string,
  options: WriteOptions,
): Promise<WrittenArchive> {
  // A name that says what it is, where a killed backup leaves it; the next one takes it away.
  const temporary = `${file}.part`;
  // A failure of one half ends the other as well, which would wait for it.
  const failed = new AbortController();
  const signal = AbortSignal.any([options.signal, failed.signal]);
  const orEndAll = <T>(work: Promise<T>): Promise<T> =>
    work.catch((error) => {
      failed.abort();
      throw error;
    });
  try {
    const handle = await options.aside(async () => {
      await rm(temporary, { force: true });
      return await open(temporary, 'wx', 0o600);
    });
    const output = handle.createWriteStream({ flush: true });
    const archive = pack();
    // Its waiter has the error; an end on purpose is no other error.
    archive.on('error', () => {});
    const compress = createZstdCompress({
      chunkSize: pieceBytes,
      params: {
        [zlibConstants.ZSTD_c_compressionLevel]: compressionLevel,
        [zlibConstants.ZSTD_c_checksumFlag]: 1,
      },
    });
    const [saved, damaged] = await Promise.allSettled([
      orEndAll(pipeline(archive, compress, output, { signal })),
      orEndAll(fill(archive, snapshot, { ...options, signal })),
    ]);
    // The other one was only ended by the first.
    const reasons = [saved, damaged].flatMap((each) => (each.status === 'rejected' ? [each.reason] : []));
    const [cause] = [...reasons.filter((reason) => nodeCodeOf(reason) !== 'ABORT_ERR'), ...reasons];
    if (saved.status === 'rejected' || damaged.status === 'rejected') throw cause;
    await options.aside(() => renameDurably(temporary, file));
    return { bytes: output.bytesWritten, damaged: damaged.value };
  } catch (cause) {
    await options.aside(() => rm(temporary, { force: true })).catch(() => {});
    if (isFault(cause) || options.signal.aborted) throw cause;
    throw serverFault('BACKUP_FAILED', `the backup can't be written to ${file}: ${messageOf(cause)}`, {
      cause,
      hint: 'see that the folder is there and has room',
    });
  }
}

type Archive = ReturnType<typeof pack>;

/** @returns names of damaged blobs */
async function fill(
  archive: Archive,
  { header, members }: Snapshot,
  options: WriteOptions,
): Promise<string[]> {
  const common = { mtime: new Date(header.takenAt), uid: 0, gid: 0, mode: 0o600 };
  const damaged: string[] = [];
  let sums = '';
  const text = JSON.stringify(header, undefined, 2);
  archive.entry({ ...common, name: headerName }, text);
  sums += sumLine(headerName, createHash('sha256').update(text).digest('hex'));
  for (const member of members) {
    options.signal.throwIfAborted();
    const entry = archive.entry({ ...common, name: member.name, size: member.size });
    entry.on('error', () => {});
    const sha256 = await copyInto(entry, member, options);
    if ((digestInName(member.name) ?? sha256) !== sha256) damaged.push(member.name);
    sums += sumLine(member.name, sha256);
  }
  archive.entry({ ...common, name: sumsName }, sums);
  archive.finalize();
  return damaged;
}

async function copyInto(
  entry: NodeJS.WritableStream,
  { name, file, size }: Member,
  { onBytes, signal }: WriteOptions,
): Promise<string> {
  const hash = createHash('sha256');
  const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW).catch((cause) => {
    throw changed(name, errnoOf(cause) ?? messageOf(cause));
  });
  const stats = await handle.stat();
  if (!stats.isFile() || stats.size !== size) {
    await handle.close();
    throw changed(name, 'it has another size');
  }
  const source = createReadStream(file, { fd: handle, highWaterMark: pieceBytes });
  source.on('data', (piece: Buffer | string) => {
    hash.update(piece);
    onBytes(piece.length);
  });
  await pipeline(source, entry, { signal });
  return hash.digest('hex');
}

function changed(name: string, why: string) {
  return serverFault('BACKUP_FAILED', `${name} was changed while it was read: ${why}`, {
    hint: 'run it again',
  });
}
