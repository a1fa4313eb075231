/** The file that is being built: beside the one that it is to replace, and never in the way of anybody. */
import { closeSync, fsyncSync, openSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** Where to build; only whoever holds the lock does. */
export function newFileFor(path: string): string {
  return join(dirname(path), `${newFileStart(path)}${process.pid}`);
}

/** Whole and on the disk before it has the name. */
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

/** Of an import that was killed: the lock says that none is under way. */
export function removeLeftovers(path: string): void {
  const start = newFileStart(path);
  for (const name of readdirSync(dirname(path))) {
    if (name.startsWith(start)) rmSync(join(dirname(path), name), { force: true });
  }
}
