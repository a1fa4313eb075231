/** A group is everything the scheduler knows of one action, at one revision, in one invoking namespace. */
import type { Handover, Job, JobEnd, JobTarget, LoadPermission, StartReason } from '../../dispatch/index.ts';
import type { Slot, SlotPlan } from '../slots/slot.ts';

/** A job that waits for a slot. */
export interface WaitingJob {
  readonly job: Job;
  readonly settle: (end: JobEnd) => void;
  readonly refuse: (fault: unknown) => void;
  /** To be asked before a sandbox gets it; undefined when there is nothing to ask (any more). */
  handover: Handover | undefined;
  /** The answer to that, while it is on its way, or when it was no. */
  asked: Promise<boolean> | undefined;
  /** `performance.now()` of when it began to wait. */
  readonly queuedAt: number;
  /** Why no warm slot has taken it; undefined when one has. */
  readonly reason: StartReason | undefined;
  /** A slot has sent it back: another one's word is final. */
  readonly isSecondTry: boolean;
  /** Its sandbox ended before it was begun: it is not handed over early again. */
  readonly hasLostSandbox: boolean;
  /** It is not to be run any more. */
  isCancelled: boolean;
}

/** How the last slot that a group lost ended: it failed, or was given up. */
export type LastEnd = 'failed' | 'given up';

/** What slots are initialised with, for every caller. */
export type Template = JobTarget & Pick<Job, 'apiKey'>;

export interface Group {
  readonly key: string;
  readonly namespace: string;
  readonly action: string;
  readonly plan: SlotPlan;
  readonly concurrency: number;
  /** Each slot serves one activation. */
  readonly isFresh: boolean;
  readonly minWarm: number;
  readonly maxInstances: number;
  /** Of the latest job: what a slot is initialised with when nobody waits for it any more. */
  template: Template;
  readonly queue: WaitingJob[];
  /** Initialised slots; the one that answered last is the last. */
  readonly slots: Slot[];
  /** Slots that are being initialised on the account of an activation, by its id. */
  readonly beginning: Map<string, Slot>;
  /** What an activation of it has been taking, in ms; infinite while that is not known. */
  serviceMs: number;
  /** Slots on their way. */
  starting: number;
  /** Its action was changed or deleted: no slot of it is kept. */
  retired: boolean;
  /** Its namespace was deleted: nothing of it is begun any more. */
  isExpelled: boolean;
  /** How the last slot that it lost ended; undefined before that. */
  past: LastEnd | undefined;
  /** It has served since a slot of it failed by itself: slots may be started that nobody waits for. */
  isProven: boolean;
  /** Whether its code may be loaded while nobody calls. */
  permission: LoadPermission;
  /** `performance.now()` of when an allowance ends. */
  permissionEnds: number;
}

/** @param slot the warm one that takes it now, if there is one */
export function newWaitingJob(
  group: Group,
  slot: Slot | undefined,
  given: Pick<WaitingJob, 'job' | 'settle' | 'refuse' | 'handover'>,
): WaitingJob {
  return {
    ...given,
    asked: undefined,
    queuedAt: slot ? 0 : performance.now(),
    reason: slot ? undefined : startReason(group),
    isSecondTry: false,
    hasLostSandbox: false,
    isCancelled: false,
  };
}

/** A sandbox never serves two of these. */
export function groupKey({ namespace, action, revision, sandbox }: JobTarget): string {
  return `${namespace}\n${action}\n${revision}\n${sandbox?.id ?? ''}`;
}

export function createGroup(target: JobTarget, plan: SlotPlan, past: LastEnd | undefined): Group {
  const { limits, scaling = {} } = target;
  const isFresh = scaling.fresh === true;
  return {
    key: groupKey(target),
    namespace: target.namespace,
    action: target.action,
    plan,
    concurrency: isFresh ? 1 : limits.concurrency,
    isFresh,
    minWarm: scaling.minWarm ?? 0,
    maxInstances: scaling.maxInstances ?? Number.POSITIVE_INFINITY,
    template: target,
    queue: [],
    slots: [],
    beginning: new Map(),
    serviceMs: Number.POSITIVE_INFINITY,
    starting: 0,
    retired: false,
    isExpelled: false,
    past,
    isProven: false,
    permission: 'unknown',
    permissionEnds: 0,
  };
}

/** Time for which a slot is handed jobs early: a quarter of what a runner's patience is. */
const earlyMs = 5;
/** Time for which a slot that is handed jobs early has some whose beginning is being written: about what a disk takes. */
const claimingMs = 20;
const maxEarly = 32;

/**
 * A slot for one more activation: an idle one, the most recently used first, because its caches are the warmest;
 * else the least busy one that may run several at once, or that takes jobs early (not with `restful`). While it is being
 * written down that its jobs begin, a slot takes early too: what waits for the disk waits together.
 */
export function freeSlot(group: Group, restful: boolean): Slot | undefined {
  let best: Slot | undefined;
  for (let at = group.slots.length - 1; at >= 0; at--) {
    const slot = group.slots[at];
    if (!slot || slot.isSpent || slot.runner.isEnded) continue;
    if (slot.inFlight === 0) return slot;
    if (slot.inFlight >= (best?.inFlight ?? Number.POSITIVE_INFINITY)) continue;
    if (
      group.concurrency > 1
        ? slot.inFlight < group.concurrency
        : !restful && takesEarly(slot, group.serviceMs)
    )
      best = slot;
  }
  return best;
}

function takesEarly({ inFlight, claiming, runner }: Slot, serviceMs: number): boolean {
  const begun = inFlight - claiming;
  if (begun >= Math.min(maxEarly, Math.floor(earlyMs / serviceMs))) return false;
  if (claiming >= Math.min(maxEarly, Math.floor(claimingMs / serviceMs))) return false;
  return begun === 0 || runner.takesEarly();
}

/** Why no warm slot takes its next activation. A past that is forgotten counts as none. */
function startReason(group: Group): StartReason {
  if (group.isFresh) return 'a fresh sandbox is asked for';
  if (group.slots.length + group.starting > 0) return 'all its sandboxes were busy';
  if (group.past === 'failed') return 'its last sandbox failed';
  return group.past === 'given up'
    ? 'its idle sandboxes were ended (keep-alive, or memory was short)'
    : 'first call of this revision';
}

/** An activation of it took so long. */
export function noteServed(group: Group, serviceMs: number): void {
  const { serviceMs: average } = group;
  group.serviceMs = Number.isFinite(average) ? average + (serviceMs - average) * 0.2 : serviceMs;
  group.isProven = true;
}

/** The slot is of no more use: its activation failed, or was cancelled. */
export function noteFailed(group: Group, slot: Slot, isCancelled: boolean): void {
  slot.isSpent = true;
  slot.hasFailed = !isCancelled;
  group.past = isCancelled ? 'given up' : 'failed';
}

/** Memory that a group holds, slots on their way included. */
export function memoryOf(group: Group): number {
  return (group.slots.length + group.starting) * group.plan.memoryMiB;
}
