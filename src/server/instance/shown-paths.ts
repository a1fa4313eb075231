/**
 * Paths on which the server's user reaches its files. A checkout, a Node or a data folder can be below a folder that
 * other users can't enter, such as root's home: then it is mounted elsewhere, in Ward's own mount namespace only.
 */
import { mkdir, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { mustRun } from '../../lib/index.ts';
import { shownDir } from './instance-locks.ts';

export interface ShownPaths extends AsyncDisposable {
  /** A path on which all users reach the file: its own if possible. The file's own mode still decides about access. */
  show(path: string, name: string, access: 'ro' | 'rw'): Promise<string>;
}

/** @param instance used only by this process */
export function openShownPaths(instance: string): ShownPaths {
  const folder = join(shownDir, instance);
  const stack = new AsyncDisposableStack();
  return {
    async show(path, name, access) {
      if (await isReachable(path)) return path;
      const place = join(folder, name);
      const isFolder = (await stat(path)).isDirectory();
      await mkdir(isFolder ? place : dirname(place), { recursive: true, mode: 0o711 });
      if (!isFolder) await writeFile(place, '');
      stack.defer(() => (isFolder ? rmdir(place) : rm(place)));
      await mustRun(['mount', '--bind', '--make-private', '-o', access, path, place]);
      // Never lazily: the removal that follows must not reach the mounted folder.
      stack.defer(async () => void (await mustRun(['umount', place])));
      return place;
    },
    async [Symbol.asyncDispose]() {
      await stack.disposeAsync();
      await rmdir(folder).catch(() => {});
    },
  };
}

async function isReachable(path: string): Promise<boolean> {
  for (let folder = path; folder !== '/'; ) {
    folder = dirname(folder);
    if (((await stat(folder)).mode & 0o001) === 0) return false;
  }
  return true;
}
