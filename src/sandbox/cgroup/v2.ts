/**
 * Control groups version 2: one hierarchy (Documentation/admin-guide/cgroup-v2.rst). A group has the controllers that
 * its parent hands down in `cgroup.subtree_control`. Ward writes that file in its own groups, and adds to the root's.
 */
import { join } from 'node:path';
import { keyedCounter } from './counter.ts';
import {
  addGroup,
  addPid,
  lendFiles,
  makeGroup,
  readControl,
  readKeyed,
  readNumber,
  readPids,
  removeGroup,
  removeIfEmpty,
  until,
  writeControl,
} from './files.ts';
import { memoryBelow, removeInstanceGroup, sandboxIds } from './instance-group.ts';
import type { Cgroup, CgroupLimits, CgroupTree } from './types.ts';

/** The controllers that Ward uses, where the host has them. */
const wanted = ['cpu', 'memory', 'pids', 'io', 'cpuset'];

/** @param mount Where cgroup2 is mounted. */
export function cgroupTreeV2(mount: string, instance: string): CgroupTree {
  const base = join('/ward', instance);
  const folder = join(mount, base);
  return {
    version: 2,
    basePath: base,
    ociPath: (id) => join(base, id),
    prepare() {
      makeGroup(folder);
      for (const parent of [mount, join(mount, 'ward'), folder]) handDown(parent);
    },
    group: (id) => groupV2(join(folder, id)),
    memoryBytes: () => memoryBelow(folder, 'memory.current'),
    ids: () => sandboxIds(folder),
    async remove() {
      await removeInstanceGroup(folder);
      removeIfEmpty(join(mount, 'ward'));
    },
  };
}

function groupV2(folder: string): Cgroup {
  const file = (name: string) => join(folder, name);
  const isFrozen = () => readKeyed(file('cgroup.events'), 'frozen') === 1;
  return {
    async create(limits) {
      await addGroup(folder);
      for (const [name, value] of limitFiles(limits)) writeControl(file(name), value);
    },
    async limitSockets() {},
    async freeze() {
      if (writeControl(file('cgroup.freeze'), '1')) {
        await until(() => isFrozen() || readControl(file('cgroup.events')) === '', 5000);
      }
    },
    async thaw() {
      writeControl(file('cgroup.freeze'), '0');
    },
    usage: () => ({
      memoryBytes: readNumber(file('memory.current')),
      memoryPeakBytes: readNumber(file('memory.peak')),
      cpuUsec: readKeyed(file('cpu.stat'), 'usage_usec'),
      pids: readNumber(file('pids.current')),
      oomKills: readKeyed(file('memory.events'), 'oom_kill'),
      refusedForks: readKeyed(file('pids.events'), 'max'),
    }),
    cpuUsec: () => readKeyed(file('cpu.stat'), 'usage_usec'),
    weigh(share) {
      const isIdle = share === 'idle';
      const hasIdle = writeControl(file('cpu.idle'), isIdle ? '1' : '0');
      // An idle group takes no weight.
      if (!isIdle || !hasIdle) writeControl(file('cpu.weight'), isIdle ? '1' : String(share));
    },
    refusals: () => ({
      oomKills: keyedCounter(file('memory.events'), 'oom_kill'),
      forks: keyedCounter(file('pids.events'), 'max'),
    }),
    pids: () => readPids(folder),
    add: (pid) => addPid(folder, pid),
    lend: (userId) => lendFiles([file('cgroup.freeze')], ['cpu.weight', 'cpu.idle'].map(file), userId),
    async kill() {
      // cgroup.kill (Linux 5.14) reaches frozen processes and all their children.
      writeControl(file('cgroup.kill'), '1');
      await until(() => readPids(folder).length === 0, 5000);
    },
    remove: () => removeGroup(folder),
  };
}

function limitFiles(limits: CgroupLimits): readonly (readonly [string, string])[] {
  return [
    ['memory.max', String(limits.memoryBytes)],
    ['memory.swap.max', '0'],
    // To its user, the processes of a sandbox are one program: the kernel kills all of them or none.
    ['memory.oom.group', '1'],
    ['pids.max', String(limits.pids)],
    ['cpu.max', `${limits.cpuQuotaUsec} ${limits.cpuPeriodUsec}`],
    ['cpu.weight', String(limits.cpuWeight)],
  ];
}

/** Writes only what isn't handed down yet: a group with processes of its own refuses the rest. */
export function handDown(folder: string): void {
  const has = (file: string) => new Set(readControl(join(folder, file)).trim().split(/\s+/));
  const available = has('cgroup.controllers');
  const enabled = has('cgroup.subtree_control');
  const missing = wanted.filter((name) => available.has(name) && !enabled.has(name));
  if (missing.length > 0) {
    writeControl(join(folder, 'cgroup.subtree_control'), missing.map((name) => `+${name}`).join(' '));
  }
}
