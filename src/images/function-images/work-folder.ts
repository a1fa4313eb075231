/** Folders in which builds put what is not whole yet: on the disk of the store, since it may be too much for memory. */
import { lstat, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

export interface WorkFolder extends AsyncDisposable {
  readonly path: string;
}

const prefix = '.tmp-work-';
/** Longer than a build may take: whoever made it has ended without removing it. */
const abandonedMs = 6 * 3_600_000;

/** By its name, whether anybody still works in it or not. */
export function isWorkFolder(name: string): boolean {
  return name.startsWith(prefix);
}

/**
 * Makes one below `parent`, and removes those that builds which were killed have left there. `parent` may be open to all: a
 * folder of another user is left alone, since that user could put links into it while it is removed.
 */
export async function openWorkFolder(parent: string): Promise<WorkFolder> {
  await mkdir(parent, { recursive: true });
  for (const name of await readdir(parent)) {
    if (!isWorkFolder(name)) continue;
    const found = await lstat(join(parent, name)).catch(() => undefined);
    const isOwn = found?.isDirectory() === true && found.uid === process.geteuid?.();
    if (isOwn && Date.now() - found.mtimeMs > abandonedMs)
      await rm(join(parent, name), { recursive: true, force: true });
  }
  const path = await mkdtemp(join(parent, prefix));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
