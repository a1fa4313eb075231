/**
 * Puts Ward's own process into a control group beside those of its sandboxes, with ten times the weight of a sandbox.
 * So Ward gets its share of the processors however many sandboxes want one. (A nice level counts only within a group,
 * and the kernel makes a group of each session: sched(7), "The autogroup feature".) The sandboxes have no common group:
 * otherwise the kernel would charge that group for what some of them use, even of idle processors, and every other
 * sandbox would wait until Ward had used ten times as much.
 *
 * Does nothing when Ward is in a group already: it leaves a service manager's group and its weight alone.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeGroup, removeGroup, removeIfEmpty, writeControl } from './files.ts';
import { ownGroupName } from './instance-group.ts';
import { sharesOf } from './v1.ts';
import { handDown } from './v2.ts';

/** A sandbox has 100. */
const weight = 1000;

interface OwnGroupPlace {
  /** Where the hierarchy with the controller `cpu` is mounted. */
  readonly mount: string;
  readonly version: 1 | 2;
  /** `/proc/self/cgroup`. */
  readonly membership: string;
  readonly instance: string;
}

/**
 * Moves this process, which must be the only one of its instance. Returns undefined when it is in a group already.
 * Disposing of the result moves it back, and fails when a child of this process is left in the group.
 */
export function enterOwnGroup({
  mount,
  version,
  membership,
  instance,
}: OwnGroupPlace): AsyncDisposable | undefined {
  if (groupIn(membership, version) !== '/') return undefined;
  const all = join(mount, 'ward');
  const parent = join(all, instance);
  const folder = join(parent, ownGroupName);
  makeGroup(folder);
  if (version === 2) for (const group of [mount, all, parent]) handDown(group);
  if (version === 1) writeControl(join(folder, 'cpu.shares'), String(sharesOf(weight)));
  else writeControl(join(folder, 'cpu.weight'), String(weight));
  writeFileSync(join(folder, 'cgroup.procs'), String(process.pid));
  return {
    async [Symbol.asyncDispose]() {
      writeControl(join(mount, 'cgroup.procs'), String(process.pid));
      await removeGroup(folder);
      removeIfEmpty(parent);
      removeIfEmpty(all);
    },
  };
}

/** Finds the group in the hierarchy of `cpu`: `1:cpu,cpuacct:/a` in version 1, `0::/a` in version 2. */
export function groupIn(membership: string, version: 1 | 2): string | undefined {
  for (const line of membership.split('\n')) {
    const [, , controllers, group] = /^(\d+):([^:]*):(.*)$/.exec(line) ?? [];
    const isMeant = version === 1 ? controllers?.split(',').includes('cpu') : controllers === '';
    if (isMeant) return group;
  }
  return undefined;
}
