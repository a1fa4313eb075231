/**
 * File operations that happen completely or not at all. A write goes to a temporary file on the same file system, is
 * flushed, and is then renamed; a read refuses files that are too long or not regular, and never blocks on a named
 * pipe.
 */
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, link, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { errnoOf } from '../lib/index.ts';
import { blobFault } from './faults.ts';

/** Bytes read at once from a stream. */
export const readBytes = 256 * 1024;

/** Reads the regular file at `path`; undefined when it does not exist. @throws Fault FILE_INVALID */
export async function readRegularFile(path: string, maxBytes: number): Promise<Buffer | undefined> {
  const file = await openRegularFile(path);
  if (file === undefined) return undefined;
  try {
    const { size } = await file.stat();
    if (size > maxBytes) {
      throw blobFault('FILE_INVALID', `${path} has ${size} bytes; the limit is ${maxBytes}`);
    }
    return await file.readFile();
  } finally {
    await file.close();
  }
}

/** Opens the regular file at `path` for reading; undefined when it does not exist. The caller closes it. */
export async function openRegularFile(path: string): Promise<FileHandle | undefined> {
  let file: FileHandle;
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '')) return undefined;
    throw error;
  }
  if ((await file.stat()).isFile()) return file;
  await file.close();
  throw blobFault('FILE_INVALID', `${path} is not a regular file`);
}

export interface AtomicWriteOptions {
  /** Folder of the temporary file, on the same file system; by default that of `path`. */
  readonly temporary?: string;
  /** By default 0644. */
  readonly mode?: number;
}

/** Replaces `path` by `bytes`, durably and in one step. Creates the folder if it is missing. */
export async function writeFileAtomically(
  path: string,
  bytes: Uint8Array | string,
  { temporary = temporaryBeside(path), mode = 0o644 }: AtomicWriteOptions = {},
): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  try {
    await writeNewFile(temporary, bytes, mode);
    await renameDurably(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Creates `path` as `writeFileAtomically` would; false when it exists already. */
export async function createFileAtomically(
  path: string,
  bytes: Uint8Array | string,
  { temporary = temporaryBeside(path), mode = 0o644 }: AtomicWriteOptions = {},
): Promise<boolean> {
  await mkdir(dirname(path), { recursive: true });
  try {
    await writeNewFile(temporary, bytes, mode);
    await link(temporary, path);
    await flushFolder(dirname(path));
    return true;
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(temporary, { force: true });
  }
}

/** Renames and flushes the folder, so that the new name survives a power cut. */
export async function renameDurably(from: string, to: string): Promise<void> {
  await rename(from, to);
  await flushFolder(dirname(to));
}

const temporaryPrefix = '.tmp-';

/** A fresh name in the folder of `path` that readers do not take for content. */
export function temporaryBeside(path: string): string {
  return join(dirname(path), `${temporaryPrefix}${randomBytes(8).toString('hex')}`);
}

/** Whether a file's name is one of `temporaryBeside`. */
export function isTemporary(name: string): boolean {
  return name.startsWith(temporaryPrefix);
}

async function writeNewFile(path: string, bytes: Uint8Array | string, mode: number): Promise<void> {
  const file = await open(path, 'wx', mode);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function flushFolder(path: string): Promise<void> {
  const folder = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
