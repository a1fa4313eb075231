/** The new advisory file beside the old one, and how it takes its place. The caller holds the lock of imports. */
import { closeSync, fsyncSync, openSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** Path of the new file. Only the holder of the lock builds it. */
export function newFileFor(path: string): string {
  return join(dirname(path), `${newFileStart(path)}${process.pid}`);
}

/** Syncs the new file to the disk before it takes the name of the old one. */
export function putInPlace(temporary: string, path: string): void {
  syncPath(temporary);
  renameSync(temporary, path);
  syncPath(dirname(path));
}

function syncPath(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function newFileStart(path: string): string {
  return `.${basename(path)}.new-`;
}

/** Removes files of killed imports. The caller holds the lock, so no import is running. */
export function removeLeftovers(path: string): void {
  const start = newFileStart(path);
  for (const name of readdirSync(dirname(path))) {
    if (name.startsWith(start)) rmSync(join(dirname(path), name), { force: true });
  }
}
