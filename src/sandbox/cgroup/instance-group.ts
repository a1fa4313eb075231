/** The folder of an instance holds a group for each sandbox, and one for Ward's own process. */
import { join } from 'node:path';
import { childGroups, readNumber, readPids, removeGroup } from './files.ts';

/** No sandbox has this name. */
export const ownGroupName = 'platform';

export function sandboxIds(folder: string): string[] {
  return childGroups(folder).filter((name) => name !== ownGroupName);
}

/** What the kernel counts for the sandboxes' groups: what it counts for the whole folder, without Ward's own process. */
export function memoryBelow(folder: string, file: string): number {
  const own = readNumber(join(folder, ownGroupName, file));
  return Math.max(0, readNumber(join(folder, file)) - own);
}

/** Removes the instance's group, except the group of this process, which leaves last. */
export async function removeInstanceGroup(folder: string): Promise<void> {
  if (!readPids(join(folder, ownGroupName)).includes(process.pid)) return removeGroup(folder);
  for (const id of sandboxIds(folder)) await removeGroup(join(folder, id));
}
