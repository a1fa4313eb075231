/** Control groups as the sandbox room needs them: one contract for version 1 and version 2. */

import type { Counter } from './counter.ts';

/** What the machine offers of them: plain data. */
export interface CgroupFeatures {
  /** `hybrid`: the controllers are on version 1 and a version 2 hierarchy is mounted beside them. */
  readonly mode: 'v1' | 'v2' | 'hybrid';
  /** Version of the hierarchy that Ward uses. */
  readonly version: 1 | 2;
  /** Controller → mount point. On version 2 all of them have the same one. */
  readonly controllers: ReadonlyMap<string, string>;
  /** Memory and swap can be limited together. */
  readonly swapLimit: boolean;
  /** Disk time can be shared by weight. */
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
  /** Processes and threads that could not be made, because there were as many as there may be. */
  readonly refusedForks: number;
}

export interface RefusalCounters {
  /** Processes that the kernel killed for exceeding the memory limit. */
  readonly oomKills: Counter;
  /** Processes and threads that could not be made, because there were as many as there may be. */
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

/** One sandbox's group. Every method is harmless when the group doesn't exist. */
export interface Cgroup {
  /** Makes it with these limits. */
  create(limits: CgroupLimits): Promise<void>;
  /**
   * Bounds what the buffers of its TCP and UDP sockets hold, before a runtime that makes the group comes. Version 1
   * counts that beside the memory, and only of sockets that are made afterwards; version 2 counts it within.
   */
  limitSockets(limits: Pick<CgroupLimits, 'memoryBytes'>): Promise<void>;
  /** Resolves when every process of it stands still. */
  freeze(): Promise<void>;
  thaw(): Promise<void>;
  usage(): CgroupUsage;
  /** Processor time used so far, in µs; 0 when there is no such group. Cheap. */
  cpuUsec(): number;
  /**
   * Its share of the processors among its siblings: a weight from 1 to 10000, or `idle`: what they leave over, and it
   * makes way for them at once. Where the kernel has no such thing (before Linux 5.15), `idle` is the least weight.
   */
  weigh(share: number | 'idle'): void;
  /** What the kernel has refused to it; to be closed. */
  refusals(): RefusalCounters;
  pids(): readonly number[];
  /** Moves a process of the host's into it, which counts for the group from now on. The group must not be frozen. */
  add(pid: number): void;
  /** Lets a user freeze, thaw and weigh it, and nothing else. */
  lend(userId: number): Promise<boolean>;
  /** Sends SIGKILL to all of it, frozen or not, and resolves when it is empty. */
  kill(): Promise<void>;
  /** Removes it and what is below it. It must be empty of processes. */
  remove(): Promise<void>;
}

/** The groups of one Ward instance: `/ward/<instance>/…` in every hierarchy, and nothing else. */
export interface CgroupTree {
  readonly version: 1 | 2;
  /** `/ward/<instance>`. */
  readonly basePath: string;
  /** The absolute path of a sandbox's group, as the OCI configuration has it. */
  ociPath(id: string): string;
  /** Makes the instance's own group and hands its controllers down. */
  prepare(): void;
  group(id: string): Cgroup;
  /** The ids of the sandboxes whose groups exist. */
  ids(): readonly string[];
  /** Removes the instance's group, but for that of this process; fails when a sandbox is left in it. */
  remove(): Promise<void>;
}
