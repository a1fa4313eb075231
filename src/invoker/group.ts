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
  /** What an activation of it has been taking, in ms; infinite while that is not known. */
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
    serviceMs: Number.POSITIVE_INFINITY,
    starting: 0,
    retired: false,
  };
}

/** Time for which a slot is handed jobs early: a quarter of what a runner's patience is. */
const earlyMs = 5;
const maxEarly = 32;

/**
 * A slot for one more activation: an idle one, the most recently used first, because its caches are the warmest;
 * else the least busy one that may run several at once, or that takes jobs early (not with `restful`).
 */
export function freeSlot(group: Group, restful: boolean): Slot | undefined {
  const mostInFlight =
    group.concurrency > 1
      ? group.concurrency
      : restful
        ? 1
        : Math.min(maxEarly, Math.floor(earlyMs / group.serviceMs));
  let best: Slot | undefined;
  for (let at = group.slots.length - 1; at >= 0; at--) {
    const slot = group.slots[at];
    if (!slot || slot.isSpent || slot.runner.isEnded) continue;
    if (slot.inFlight === 0) return slot;
    if (slot.inFlight >= mostInFlight || slot.inFlight >= (best?.inFlight ?? Number.POSITIVE_INFINITY))
      continue;
    if (group.concurrency > 1 || slot.runner.takesEarly()) best = slot;
  }
  return best;
}

/** Memory that a group holds, slots on their way included. */
export function memoryOf(group: Group): number {
  return (group.slots.length + group.starting) * group.memoryMiB;
}
