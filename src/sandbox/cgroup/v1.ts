/**
 * Control groups version 1: one hierarchy per controller, so a sandbox's group is a folder in each of them
 * (Documentation/admin-guide/cgroup-v1). Freezing takes time, so Ward waits for it. There is no file that kills a
 * group, so Ward freezes it first: no process of a frozen group can end and leave its pid to a stranger.
 */
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
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

/** @param mounts Controller → the mount point of its hierarchy. */
export function cgroupTreeV1(mounts: ReadonlyMap<string, string>, instance: string): CgroupTree {
  const base = join('/ward', instance);
  const roots = [...new Set(mounts.values())];
  const folders = roots.map((root) => join(root, base));
  const strays = strayRoots(mounts);
  return {
    version: 1,
    basePath: base,
    ociPath: (id) => join(base, id),
    prepare() {
      for (const folder of folders) makeGroup(folder);
      const cpuset = mounts.get('cpuset');
      if (cpuset === undefined) return;
      // From the top down, because a group takes its processors from its parent.
      inheritCpuset(join(cpuset, 'ward'));
      inheritCpuset(join(cpuset, base));
    },
    group: (id) => groupV1(mounts, strays, join(base, id)),
    memoryBytes() {
      const mount = mounts.get('memory');
      return mount === undefined ? 0 : memoryBelow(join(mount, base), 'memory.usage_in_bytes');
    },
    ids: () => [...new Set(folders.flatMap(sandboxIds))],
    async remove() {
      for (const folder of folders) await removeInstanceGroup(folder);
      await removeStrays(strays, base);
      for (const root of [...roots, ...strays]) removeIfEmpty(join(root, 'ward'));
    },
  };
}

/**
 * On a hybrid host, Ward hides the version 2 hierarchy from the runtime (see isolation). crun then makes plain folders
 * and files in its place, and leaves them behind.
 */
function strayRoots(mounts: ReadonlyMap<string, string>): string[] {
  const parents = new Set([...mounts.values()].map((mount) => dirname(mount)));
  return [...parents].map((parent) => join(parent, 'unified')).filter((path) => existsSync(path));
}

async function removeStrays(strays: readonly string[], path: string): Promise<void> {
  for (const root of strays) await rm(join(root, path), { recursive: true, force: true });
}

function groupV1(mounts: ReadonlyMap<string, string>, strays: readonly string[], path: string): Cgroup {
  const file = (controller: string, name: string) => join(mounts.get(controller) ?? '', path, name);
  const folders = [...new Set(mounts.values())].map((mount) => join(mount, path));
  const state = file('freezer', 'freezer.state');
  const pids = () => [...new Set(folders.flatMap(readPids))];
  const thaw = async () => {
    if (writeControl(state, 'THAWED')) await until(() => readControl(state).trim() !== 'FREEZING', 1000);
  };
  const freeze = async () => {
    if (writeControl(state, 'FROZEN')) await until(() => readControl(state).trim() !== 'FREEZING', 5000);
  };
  return {
    async create(limits) {
      for (const folder of folders) await addGroup(folder);
      if (mounts.has('cpuset')) inheritCpuset(join(mounts.get('cpuset') ?? '', path));
      for (const [controller, name, value] of limitFiles(limits)) writeControl(file(controller, name), value);
    },
    async limitSockets({ memoryBytes }) {
      if (!mounts.has('memory')) return;
      await addGroup(join(mounts.get('memory') ?? '', path));
      writeControl(file('memory', socketLimit), String(socketBytes(memoryBytes)));
    },
    freeze,
    thaw,
    usage: () => ({
      memoryBytes: readNumber(file('memory', 'memory.usage_in_bytes')),
      memoryPeakBytes: readNumber(file('memory', 'memory.max_usage_in_bytes')),
      cpuUsec: Math.round(readNumber(file('cpuacct', 'cpuacct.usage')) / 1000),
      pids: readNumber(file('pids', 'pids.current')),
      oomKills: readKeyed(file('memory', 'memory.oom_control'), 'oom_kill'),
      refusedForks: readKeyed(file('pids', 'pids.events'), 'max'),
    }),
    cpuUsec: () => Math.round(readNumber(file('cpuacct', 'cpuacct.usage')) / 1000),
    weigh(share) {
      const isIdle = share === 'idle';
      const hasIdle = writeControl(file('cpu', 'cpu.idle'), isIdle ? '1' : '0');
      // An idle group takes no shares.
      if (!isIdle || !hasIdle) writeControl(file('cpu', 'cpu.shares'), String(sharesOf(isIdle ? 1 : share)));
    },
    refusals: () => ({
      oomKills: keyedCounter(file('memory', 'memory.oom_control'), 'oom_kill'),
      forks: keyedCounter(file('pids', 'pids.events'), 'max'),
    }),
    pids,
    add(pid) {
      for (const folder of folders) addPid(folder, pid);
    },
    lend: (userId) =>
      mounts.has('cpu')
        ? lendFiles([state, file('cpu', 'cpu.shares')], [file('cpu', 'cpu.idle')], userId)
        : lendFiles([state], [], userId),
    kill: () =>
      killAll({
        pids,
        frozenPids: () => readPids(dirname(state)),
        freeze,
        thaw,
        letRun: () => void writeControl(state, 'THAWED'),
      }),
    async remove() {
      for (const folder of folders) await removeGroup(folder);
      await removeStrays(strays, path);
    },
  };
}

/** Despite its name, the file counts UDP, too (Documentation/admin-guide/cgroup-v1/memory.rst, 2.7.1). */
const socketLimit = 'memory.kmem.tcp.limit_in_bytes';

/** An eighth of the memory, but always enough for a few connections. */
function socketBytes(memoryBytes: number): number {
  return Math.max(4 * 1024 * 1024, Math.floor(memoryBytes / 8));
}

interface KillSteps extends Pick<Cgroup, 'pids' | 'freeze' | 'thaw'> {
  /** The processes in one hierarchy: reading all hierarchies repeatedly takes longer than the processes take to die. */
  readonly frozenPids: () => readonly number[];
  readonly letRun: () => void;
}

async function killAll({ pids, frozenPids, freeze, thaw, letRun }: KillSteps): Promise<void> {
  // This process can't see the processes of a pid namespace that has ended, and they can't die while they are frozen.
  if (pids().length === 0) return thaw();
  await freeze();
  pids().forEach(sendKill);
  await thaw();
  await until(() => {
    // The next round catches processes that were forked while the group froze.
    const some = frozenPids();
    const left = some.length > 0 ? some : pids();
    left.forEach(sendKill);
    // The borrower of the file may have frozen the group again, and frozen processes don't die.
    if (left.length > 0) letRun();
    return left.length === 0;
  }, 5000);
}

function limitFiles(limits: CgroupLimits): readonly (readonly [string, string, string])[] {
  return [
    ['memory', 'memory.limit_in_bytes', String(limits.memoryBytes)],
    ['memory', 'memory.memsw.limit_in_bytes', String(limits.memoryBytes)],
    ['memory', 'memory.swappiness', '0'],
    ['memory', socketLimit, String(socketBytes(limits.memoryBytes))],
    ['pids', 'pids.max', String(limits.pids)],
    ['cpu', 'cpu.cfs_period_us', String(limits.cpuPeriodUsec)],
    ['cpu', 'cpu.cfs_quota_us', String(limits.cpuQuotaUsec)],
    ['cpu', 'cpu.shares', String(sharesOf(limits.cpuWeight))],
  ];
}

/** cgroup v2 weight (100 is equal) → v1 shares (1024 is equal). */
export function sharesOf(cpuWeight: number): number {
  return Math.min(262144, Math.max(2, Math.round(cpuWeight * 10.24)));
}

/** A new cpuset group is empty and can hold no process until it has processors and memory nodes. */
function inheritCpuset(folder: string): void {
  for (const name of ['cpuset.cpus', 'cpuset.mems']) {
    if (readControl(join(folder, name)).trim() === '') {
      writeControl(join(folder, name), readControl(join(folder, '..', name)).trim());
    }
  }
}

function sendKill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself in the meantime.
  }
}
