/**
 * Groups that a Ward left which was killed at the very end of its work: that of its own process is there, and nothing else says so. A
 * pid namespace hides the processes of other Wards, so the kernel decides what is unused: it removes no group with a process.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { childGroups, removeIfEmpty } from '../cgroup/files.ts';
import { ownGroupName } from '../cgroup/instance-group.ts';
import { readMounts } from './mounts.ts';

/** The instances with a group for Ward's own process, whether it is used or not. */
export function instancesWithOwnGroup(): readonly string[] {
  const found = wardGroups().flatMap((group) =>
    childGroups(group).filter((instance) => existsSync(join(group, instance, ownGroupName))),
  );
  return [...new Set(found)];
}

/** Does nothing while a process is in the group for Ward's own. */
export function removeUnusedGroups(instance: string): void {
  for (const group of wardGroups()) {
    const folder = join(group, instance);
    const own = join(folder, ownGroupName);
    if (!existsSync(own)) continue;
    removeIfEmpty(own);
    if (existsSync(own)) continue;
    for (const name of childGroups(folder)) removeIfEmpty(join(folder, name));
    removeIfEmpty(folder);
    removeIfEmpty(group);
  }
}

function wardGroups(): readonly string[] {
  return readMounts()
    .filter(({ type }) => type.startsWith('cgroup'))
    .map(({ path }) => join(path, 'ward'));
}
