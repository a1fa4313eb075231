/**
 * A control group for Ward's own process among those of its sandboxes, with ten times the weight of one, so that it has
 * its share of the processors however many of them want one. (A nice level counts only within a group, and the kernel
 * makes one of each session: sched(7), "The autogroup feature".) Among them and not beside all of them: otherwise what
 * some sandboxes use, even of what nobody else wants, is charged to the group of all, and each of the others waits until
 * Ward has had ten times that.
 *
 * Only where nobody else has put Ward into a group: a service manager's is left alone, and so is its weight.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeGroup, removeGroup, removeIfEmpty, writeControl } from './files.ts';
import { ownGroupName } from './instance-group.ts';
import { sharesOf } from './v1.ts';
import { handDown } from './v2.ts';

/** 100 is what a sandbox has. */
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
 * Moves this process, which must be the only one of its instance; undefined when it is in a group already. Disposing of
 * it moves it back, and fails when a child of this process is left in the group.
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

/** The group as the hierarchy of `cpu` has it: `1:cpu,cpuacct:/a` in version 1, `0::/a` in version 2. */
export function groupIn(membership: string, version: 1 | 2): string | undefined {
  for (const line of membership.split('\n')) {
    const [, , controllers, group] = /^(\d+):([^:]*):(.*)$/.exec(line) ?? [];
    const isMeant = version === 1 ? controllers?.split(',').includes('cpu') : controllers === '';
    if (isMeant) return group;
  }
  return undefined;
}
