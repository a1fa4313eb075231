/** What is in the folder of an instance: a group for each sandbox, and one for Ward's own process. */
import { join } from 'node:path';
import { childGroups, readPids, removeGroup } from './files.ts';

/** No sandbox is called so. */
export const ownGroupName = 'platform';

export function sandboxIds(folder: string): string[] {
  return childGroups(folder).filter((name) => name !== ownGroupName);
}

/** All of it, but not the group of the process that asks for it, which is the last to leave. */
export async function removeInstanceGroup(folder: string): Promise<void> {
  if (!readPids(join(folder, ownGroupName)).includes(process.pid)) return removeGroup(folder);
  for (const id of sandboxIds(folder)) await removeGroup(join(folder, id));
}
