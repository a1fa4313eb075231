/** Finds what servers leave behind on the host: control groups, processes, mounts, state. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { allCgroupsOf, strayGroupsOf } from './cgroups.ts';
import type { Ward } from './ward.ts';

export const nothing = { cgroups: [], strays: [], processes: [], mounts: [], state: [] };

/** Processes of a server's sandboxes: their command lines name the runtime's state folder or lie in its cgroups. */
export function processesOf(instance: string): string[] {
  return readdirSync('/proc').filter((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      return [`/proc/${name}/cmdline`, `/proc/${name}/cgroup`].some((path) =>
        readFileSync(path, 'utf8').includes(instance),
      );
    } catch {
      return false;
    }
  });
}

/** What a server has left behind. For one that has ended, compare with `nothing`. */
export function leftOvers(ward: Pick<Ward, 'instance' | 'dataDir'>) {
  return {
    cgroups: allCgroupsOf(ward.instance),
    strays: strayGroupsOf(ward.instance),
    processes: processesOf(ward.instance),
    mounts: readFileSync('/proc/mounts', 'utf8')
      .split('\n')
      .filter((line) => line.includes(ward.dataDir)),
    state: ['', 'shown']
      .map((place) => join('/run/ward', place, ward.instance))
      .filter((path) => existsSync(path)),
  };
}
