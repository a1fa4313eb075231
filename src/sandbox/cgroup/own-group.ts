/**
 * A control group for Ward's own process, beside that of its sandboxes and with ten times their weight, so that it has its
 * share of the processors however many of them, or of others on the host, want one. (A nice level counts only within a
 * group, and the kernel makes one of each session: sched(7), "The autogroup feature".)
 *
 * Only where nobody else has put Ward into a group: a service manager's is left alone, and so is its weight.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf, randomHex } from '../../lib/index.ts';
import { childGroups, makeGroup, removeIfEmpty, writeControl } from './files.ts';
import { sharesOf } from './v1.ts';
import { handDown } from './v2.ts';

/** 100 is what a session of the host has, and all sandboxes together. */
const weight = 1000;
const attempts = 3;

export interface OwnGroupPlace {
  /** Where the hierarchy with the controller `cpu` is mounted. */
  readonly mount: string;
  readonly version: 1 | 2;
  /** `/proc/self/cgroup`. */
  readonly membership: string;
}

/** Moves this process; undefined when it is in a group already. Disposing of it moves it back. */
export function enterOwnGroup({ mount, version, membership }: OwnGroupPlace): Disposable | undefined {
  if (groupIn(membership, version) !== '/') return undefined;
  const parent = join(mount, 'ward-platform');
  for (let attempt = 1; ; attempt++) {
    try {
      const folder = join(parent, randomHex(4));
      removeLeft(parent);
      makeGroup(folder);
      if (version === 2) for (const group of [mount, parent]) handDown(group);
      // What counts beside the sandboxes is the weight of the parent, which all Wards of the machine have in common.
      if (version === 1) writeControl(join(parent, 'cpu.shares'), String(sharesOf(weight)));
      else writeControl(join(parent, 'cpu.weight'), String(weight));
      writeFileSync(join(folder, 'cgroup.procs'), String(process.pid));
      return { [Symbol.dispose]: () => leave(mount, parent, folder) };
    } catch (error) {
      // Another Ward has taken the empty group for one that was left.
      if (attempt === attempts || errnoOf(error) !== 'ENOENT') throw error;
    }
  }
}

function leave(mount: string, parent: string, folder: string): void {
  writeControl(join(mount, 'cgroup.procs'), String(process.pid));
  removeIfEmpty(folder);
  removeIfEmpty(parent);
}

/** Of Wards that were killed. A group with a process in it stays. */
function removeLeft(parent: string): void {
  for (const name of childGroups(parent)) removeIfEmpty(join(parent, name));
}

/** The group as the hierarchy of `cpu` has it: `1:cpu,cpuacct:/a` in version 1, `0::/a` in version 2. */
export function groupIn(membership: string, version: 1 | 2): string | undefined {
  for (const line of membership.split('\n')) {
    const [, , controllers, group] = /^(\d+):([^:]*):(.*)$/.exec(line) ?? [];
    const isMeant = version === 1 ? controllers?.split(',').includes('cpu') : controllers === '';
    if (isMeant) return group;
  }
  return undefined;
}
