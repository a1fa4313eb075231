/** The contract of control groups, for version 1 and version 2. */

import type { Counter } from './counter.ts';

/** The control groups that the machine offers: plain data. */
export interface CgroupFeatures {
  /** `hybrid`: version 1 has the controllers, and a version 2 hierarchy is mounted beside it. */
  readonly mode: 'v1' | 'v2' | 'hybrid';
  /** The version of the hierarchy that Ward uses. */
  readonly version: 1 | 2;
  /** Controller → mount point. On version 2 all of them have the same one. */
  readonly controllers: ReadonlyMap<string, string>;
  /** One limit can cover memory and swap together. */
  readonly swapLimit: boolean;
  /** Weights can divide the disk time. */
  readonly ioWeight: boolean;
}

/** A snapshot of what a group uses; 0 for what the kernel doesn't count. */
export interface CgroupUsage {
  readonly memoryBytes: number;
  readonly memoryPeakBytes: number;
  readonly cpuUsec: number;
  readonly pids: number;
  /** Processes of it that the kernel killed for exceeding the memory limit. */
  readonly oomKills: number;
  /** Processes and threads that the kernel refused to make because the limit was reached. */
  readonly refusedForks: number;
}

export interface RefusalCounters {
  /** Processes that the kernel killed for exceeding the memory limit. */
  readonly oomKills: Counter;
  /** Processes and threads that the kernel refused to make because the limit was reached. */
  readonly forks: Counter;
}

/** The limits that Ward writes itself, for runtimes that join a group instead of making one. */
export interface CgroupLimits {
  readonly memoryBytes: number;
  readonly pids: number;
  readonly cpuQuotaUsec: number;
  readonly cpuPeriodUsec: number;
  /** 1 to 10000. */
  readonly cpuWeight: number;
}

/** The group of one sandbox. Every method is harmless when the group doesn't exist. */
export interface Cgroup {
  /** Makes it with these limits. */
  create(limits: CgroupLimits): Promise<void>;
  /**
   * Bounds the buffers of its TCP and UDP sockets. Call it before a runtime makes the group. Version 1 counts them
   * apart from the memory, and only for sockets that are made afterwards; version 2 counts them as memory.
   */
  limitSockets(limits: Pick<CgroupLimits, 'memoryBytes'>): Promise<void>;
  /** Resolves when all its processes stand still. */
  freeze(): Promise<void>;
  thaw(): Promise<void>;
  usage(): CgroupUsage;
  /** Processor time used so far, in µs; 0 when the group doesn't exist. Cheap. */
  cpuUsec(): number;
  /**
   * Sets its share of the processors among its siblings: a weight from 1 to 10000, or `idle`. An idle group gets what
   * its siblings leave over, and makes way for them at once. Before Linux 5.15, `idle` is the least weight.
   */
  weigh(share: number | 'idle'): void;
  /** Counters of what the kernel has refused it. The caller closes them. */
  refusals(): RefusalCounters;
  pids(): readonly number[];
  /** Moves a process of the host into the group, which is charged for it from then on. The group must not be frozen. */
  add(pid: number): void;
  /** Lets a user freeze, thaw and weigh it, and nothing else. */
  lend(userId: number): Promise<boolean>;
  /** Sends SIGKILL to all its processes, frozen or not, and resolves when it is empty. */
  kill(): Promise<void>;
  /** Removes it and all groups below it. It must have no processes. */
  remove(): Promise<void>;
}

/** The groups of one Ward instance: `/ward/<instance>/…` in every hierarchy, and nothing else. */
export interface CgroupTree {
  readonly version: 1 | 2;
  /** `/ward/<instance>`. */
  readonly basePath: string;
  /** The absolute path of a sandbox's group for the OCI configuration. */
  ociPath(id: string): string;
  /** Makes the instance's own group and hands its controllers down. */
  prepare(): void;
  group(id: string): Cgroup;
  /** Memory that all sandboxes together use, with their page cache. Takes microseconds. */
  memoryBytes(): number;
  /** The ids of the sandboxes whose groups exist. */
  ids(): readonly string[];
  /** Removes the instance's group, except that of this process; fails when a sandbox is left in it. */
  remove(): Promise<void>;
}
