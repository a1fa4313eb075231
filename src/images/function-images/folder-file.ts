/**
 * Opens a file of a folder that was examined before, and checks that it is still the same: another user may own the
 * folder, and replace the file by a link meanwhile.
 */
import { constants } from 'node:fs';
import { type FileHandle, open, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../../lib/index.ts';
import { imageFault } from '../faults.ts';
import { showName } from '../unpack/entry-name.ts';

export interface SourceFile {
  /** Without a leading slash, below `root`. */
  readonly path: string;
  readonly sizeBytes: number;
}

/** The caller closes it. @param root real path, without links. @throws Fault BUILD_FOLDER_INVALID */
export async function openSourceFile(root: string, { path, sizeBytes }: SourceFile): Promise<FileHandle> {
  const file = await openPlainly(root, path);
  try {
    const stats = await file.stat();
    // The kernel's name of the open file, with all links resolved.
    const real = await readlink(`/proc/self/fd/${file.fd}`);
    if (stats.isFile() && stats.size === sizeBytes && real === join(root, path)) return file;
    throw changed(path);
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** The fault of a file that has changed since the folder was examined. */
export function changed(path: string): Error {
  return imageFault('BUILD_FOLDER_INVALID', `${showName(path)} was changed while it was read`, {
    hint: 'Wait until nothing writes to the folder, and build again.',
  });
}

async function openPlainly(root: string, path: string): Promise<FileHandle> {
  try {
    const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK, O_NOCTTY } = constants;
    return await open(join(root, path), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
  } catch (cause) {
    throw imageFault('BUILD_FOLDER_INVALID', `${showName(path)} can't be read: ${messageOf(cause)}`, {
      cause,
    });
  }
}
