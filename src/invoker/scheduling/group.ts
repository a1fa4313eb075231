/** A group is what the scheduler knows of one revision of an action in one invoking namespace. */
import type {
  Handover,
  Job,
  JobEnd,
  JobTarget,
  LoadGrant,
  LoadPermission,
  StartReason,
  WaitReason,
} from '../../dispatch/index.ts';
import type { Slot, SlotPlan } from '../slots/slot.ts';

/** A job that waits for a slot. */
export interface WaitingJob {
  readonly job: Job;
  readonly settle: (end: JobEnd) => void;
  readonly refuse: (fault: unknown) => void;
  /** Must be asked before a sandbox gets the job; undefined if there is nothing (more) to ask. */
  handover: Handover | undefined;
  /** The handover's answer, while it is pending or if it was no. */
  asked: Promise<boolean> | undefined;
  /** When it began to wait, in time of `performance.now()`. */
  readonly queuedAt: number;
  /** What kept it waiting; undefined while it waits, or if nothing is known. */
  waitReason: WaitReason | undefined;
  /** Why no warm slot took it; undefined if one did. */
  readonly reason: StartReason | undefined;
  /** A slot has sent it back once. The next slot's answer is final. */
  readonly isSecondTry: boolean;
  /** Its sandbox ended before it began, so it is not handed over early again. */
  readonly hasLostSandbox: boolean;
  /** It must not run any more. */
  isCancelled: boolean;
}

/** How a group's last lost slot ended: it failed, or was given up. */
export type LastEnd = 'failed' | 'given up';

/** What slots are initialised with, the same for every caller. */
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
  /** Taken from the latest job. Initialises a slot when no job waits for it any more. */
  template: Template;
  readonly queue: WaitingJob[];
  /** When it last met each obstacle to a job, in time of `performance.now()`. */
  readonly metAt: Partial<Record<WaitReason, number>>;
  /** Initialised slots. The one that answered last is at the end. */
  readonly slots: Slot[];
  /** Slots that are being initialised for an activation, by its id. */
  readonly beginning: Map<string, Slot>;
  /** Average time of an activation, in ms; infinite while it is unknown. */
  serviceMs: number;
  /** Slots that are being started. */
  starting: number;
  /** Its action was changed or deleted, so no slot of it is kept. */
  retired: boolean;
  /** Its namespace was deleted, so none of its jobs may begin. */
  isExpelled: boolean;
  /** How its last lost slot ended; undefined if it has lost none. */
  past: LastEnd | undefined;
  /** It has served a call since one of its slots failed by itself, so slots may be started in advance. */
  isProven: boolean;
  /** Whether its code may be loaded without a call. */
  permission: LoadPermission;
  /** When an allowance ends, in time of `performance.now()`. */
  permissionEnds: number;
}

/** @param slot the warm slot that takes it now, if any */
export function newWaitingJob(
  group: Group,
  slot: Slot | undefined,
  given: Pick<WaitingJob, 'job' | 'settle' | 'refuse' | 'handover'>,
): WaitingJob {
  return {
    ...given,
    asked: undefined,
    queuedAt: slot ? 0 : performance.now(),
    waitReason: undefined,
    reason: slot ? undefined : startReason(group),
    isSecondTry: false,
    hasLostSandbox: false,
    isCancelled: false,
  };
}

/** Groups of one revision of an action in one namespace share a grant. */
export function grantKey({ namespace, action, revision }: Omit<LoadGrant, 'permission'>): string {
  return `${namespace}\n${action}\n${revision}`;
}

/** A sandbox never serves jobs with different keys. */
export function groupKey(target: JobTarget): string {
  return `${grantKey(target)}\n${target.sandbox?.id ?? ''}`;
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
    metAt: {},
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

/** Time for which a slot gets jobs early: a quarter of a runner's patience. */
const earlyMs = 5;
/** Time for which a slot gets jobs early whose beginning is still being written: about one disk write. */
const claimingMs = 20;
const maxEarly = 32;

/**
 * Finds a slot for one more activation. Prefers an idle one, the most recently used first, because its caches are
 * warmest. Otherwise takes the least busy slot that may run several jobs at once or takes jobs early (not if
 * `restful`). While the beginning of its jobs is being written, a slot takes more jobs early, so that their writes
 * are awaited together.
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

/** Why no warm slot takes its next activation. A forgotten past counts as none. */
function startReason(group: Group): StartReason {
  if (group.isFresh) return 'a fresh sandbox is asked for';
  if (group.slots.length + group.starting > 0) return 'all its sandboxes were busy';
  if (group.past === 'failed') return 'its last sandbox failed';
  return group.past === 'given up'
    ? 'its idle sandboxes were ended (keep-alive, or memory was short)'
    : 'first call of this revision';
}

/** Notes how long an activation took. */
export function noteServed(group: Group, serviceMs: number): void {
  const { serviceMs: average } = group;
  group.serviceMs = Number.isFinite(average) ? average + (serviceMs - average) * 0.2 : serviceMs;
  group.isProven = true;
}

/** Notes that the slot is unusable, because its activation failed or was cancelled. */
export function noteFailed(group: Group, slot: Slot, isCancelled: boolean): void {
  slot.isSpent = true;
  slot.hasFailed = !isCancelled;
  group.past = isCancelled ? 'given up' : 'failed';
}

export function grant(group: Group, permission: LoadGrant['permission'], forMs: number): void {
  group.permission = permission;
  group.permissionEnds = performance.now() + forMs;
}

/** Ends an allowance that was not renewed in time. */
export function endGrant(group: Group): void {
  if (group.permission === 'allowed' && performance.now() >= group.permissionEnds)
    group.permission = 'unknown';
}

/** Memory that a group holds, including slots that are being started. */
export function memoryOf(group: Group): number {
  return (group.slots.length + group.starting) * group.plan.memoryMiB;
}
