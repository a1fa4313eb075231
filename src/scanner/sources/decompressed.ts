/**
 * Handles archives that come through a pipe or are compressed as a whole, as by `docker save | gzip`. Their files are read
 * in any order, so the archive is first stored, decompressed, in an unnamed file, which disappears when the process ends.
 */
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openRegularFile } from '../../blobs/index.ts';
import { formOf, unpacked } from '../../images/index.ts';
import { formatSize, isFault, newId } from '../../lib/index.ts';
import { scannerFault } from '../faults.ts';

interface Decompressed extends AsyncDisposable {
  /** The path of the archive, or of its decompressed copy; valid until this is disposed of. */
  readonly path: string;
}

/** Far more than any real image has. */
const maxBytes = 64 * 1024 ** 3;

/** Stores a stream in a file. @throws Fault IMAGE_ARCHIVE_INVALID when it is too long; what the stream throws */
export async function spooled(stream: AsyncIterable<Buffer | string>): Promise<Decompressed> {
  const file = await openUnnamed();
  try {
    await appendAll(stream, file);
  } catch (error) {
    await file.close();
    throw error;
  }
  return { path: `/proc/self/fd/${file.fd}`, [Symbol.asyncDispose]: () => file.close() };
}

/**
 * @param path of an archive, plain or compressed by gzip or zstd
 * @param name in errors
 * @throws Fault IMAGE_ARCHIVE_INVALID, LAYER_MISSING
 */
export async function decompressed(path: string, name = path): Promise<Decompressed> {
  await using source = await openRegularFile(path);
  if (source === undefined) throw scannerFault('LAYER_MISSING', `there is no file ${name}`);
  if (!(await isCompressed(source))) return { path, [Symbol.asyncDispose]: async () => {} };
  const file = await openUnnamed();
  try {
    await appendAll(unpacked(source.createReadStream({ start: 0, autoClose: false })).bytes, file);
  } catch (cause) {
    await file.close();
    if (!isFault(cause)) throw cause;
    throw scannerFault('IMAGE_ARCHIVE_INVALID', `${name} can't be decompressed: ${cause.message}`, { cause });
  }
  return { path: `/proc/self/fd/${file.fd}`, [Symbol.asyncDispose]: () => file.close() };
}

async function isCompressed(file: FileHandle): Promise<boolean> {
  const start = Buffer.alloc(4);
  await file.read(start, 0, 4, 0);
  return formOf(start) !== 'plain';
}

async function openUnnamed(): Promise<FileHandle> {
  const name = join(tmpdir(), `ward-archive-${newId()}`);
  const file = await open(name, 'wx+', 0o600);
  await unlink(name);
  return file;
}

async function appendAll(pieces: AsyncIterable<Buffer | string>, to: FileHandle): Promise<void> {
  let bytes = 0;
  for await (const piece of pieces) {
    bytes += piece.length;
    if (bytes > maxBytes)
      throw scannerFault('IMAGE_ARCHIVE_INVALID', `it has more than ${formatSize(maxBytes)}`);
    await to.appendFile(piece);
  }
}
