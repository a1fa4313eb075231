/** Writes a backup as tar with zstd, into a file that appears only when it is complete. */
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
  /** Size of the file. */
  readonly bytes: number;
  /** Blobs that were already damaged on the server: their bytes do not match their digests. */
  readonly damaged: readonly string[];
}

interface WriteOptions {
  readonly signal: AbortSignal;
  /** Called with the bytes of members so far. */
  readonly onBytes: (bytes: number) => void;
  /** Runs with the rights of the operator, who owns the file; members are read with the rights of their owner. */
  readonly aside: <T>(work: () => Promise<T>) => Promise<T>;
}

/** A low level, since most content is compressed already. */
const compressionLevel = 3;
const pieceBytes = 256 * 1024;

/**
 * Replaces an existing file in one step, when everything is on disk.
 * @throws Fault BACKUP_FAILED
 */
export async function writeArchive(
  snapshot: Snapshot,
  file: string,
  options: WriteOptions,
): Promise<WrittenArchive> {
  // The suffix identifies leftovers of a killed backup; the next backup removes them.
  const temporary = `${file}.part`;
  // A failure of one half also ends the other half, which would wait for ever.
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
    // The waiter gets the error; a deliberate end is no further error.
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
    // The second error is only a consequence of the first.
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
      hint: 'check that the folder exists and its disk has free space',
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
    throw changed(name, 'its size changed');
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
