/**
 * Removes compiled code that has not been used for a week from the cache that all servers of this machine share. Node keeps it for each
 * path and each of its versions, and removes nothing. The server does it, not root: who has taken over a server could plant links there.
 * A file that is needed after all is only compiled anew.
 */
import { lstat, readdir, rmdir, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const weekMs = 7 * 86_400_000;
/** A cache of many checkouts has ten thousand files, so not each start looks at all. */
const againMs = 86_400_000;
/** Its time is that of the last look. */
const stampName = 'pruned';

/**
 * @param folder has a folder for each version of Node
 * @param now epoch milliseconds
 * @returns how many files it removed; undefined when a server has looked within a day
 */
export async function pruneCompileCache(folder: string, now = Date.now()): Promise<number | undefined> {
  const stamp = join(folder, stampName);
  const last = await lstat(stamp).catch(() => undefined);
  if (last !== undefined && now - last.mtimeMs < againMs) return undefined;
  await writeFile(stamp, '');
  let removed = 0;
  for (const version of await readdir(folder, { withFileTypes: true })) {
    if (!version.isDirectory()) continue;
    const place = join(folder, version.name);
    for (const name of await readdir(place)) {
      const file = join(place, name);
      const found = await lstat(file).catch(() => undefined);
      if (!found?.isFile() || now - Math.max(found.atimeMs, found.mtimeMs) < weekMs) continue;
      await unlink(file).catch(() => {});
      removed++;
    }
    // That of an old version, when it is empty.
    await rmdir(place).catch(() => {});
  }
  return removed;
}
