/** Folders for incomplete results of builds: on the disk of the store, because they can be too large for memory. */
import { lstat, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

export interface WorkFolder extends AsyncDisposable {
  readonly path: string;
}

const prefix = '.tmp-work-';
/** Longer than any build: its process has ended without removing the folder. */
const abandonedMs = 6 * 3_600_000;

/** Recognised by the name, whether or not a process still uses it. */
export function isWorkFolder(name: string): boolean {
  return name.startsWith(prefix);
}

/**
 * Creates a folder below `parent`, and removes those of killed builds there. Every user may be able to write to
 * `parent`: folders of other users are left alone, since they could plant links during the removal.
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
