/** A group is everything the scheduler knows of one action, at one revision, in one invoking namespace. */
import type { Code } from './code-folders.ts';
import type { Slot } from './slots.ts';
import type { Completion, Job } from './types.ts';

/** A job that waits for a slot. */
export interface Pending {
  readonly job: Job;
  readonly settle: (completion: Completion) => void;
  /** `performance.now()` of when it began to wait. */
  readonly queuedAt: number;
}

export interface Group {
  readonly key: string;
  readonly namespace: string;
  readonly action: string;
  readonly kind: string;
  readonly memoryMiB: number;
  readonly concurrency: number;
  readonly code: Code;
  /** The latest job: what a slot is initialised with when nobody waits for it any more. */
  template: Job;
  readonly queue: Pending[];
  /** Initialised slots; the one that answered last is the last. */
  readonly slots: Slot[];
  /** What an activation of it has been taking, in ms. */
  serviceMs: number;
  /** Slots on their way. */
  starting: number;
  /** Its action was changed or deleted: no slot of it is kept. */
  retired: boolean;
}

/** A sandbox never serves two of these. */
export function groupKey(job: Job): string {
  return `${job.namespace}\n${job.action}\n${job.revision}`;
}

export function createGroup(job: Job, code: Code): Group {
  return {
    key: groupKey(job),
    namespace: job.namespace,
    action: job.action,
    kind: job.kind,
    memoryMiB: job.limits.memoryMiB,
    concurrency: job.limits.concurrency,
    code,
    template: job,
    queue: [],
    slots: [],
    serviceMs: 0,
    starting: 0,
    retired: false,
  };
}

/** The most recently used slot that can take one more activation: its caches are the warmest. */
export function freeSlot(group: Group): Slot | undefined {
  return group.slots.findLast((slot) => slot.inFlight < group.concurrency && !slot.runner.isEnded);
}

/** Memory that a group holds, slots on their way included. */
export function memoryOf(group: Group): number {
  return (group.slots.length + group.starting) * group.memoryMiB;
}
