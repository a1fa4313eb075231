/** The load of the invoker, for those who choose where a job runs. */
import { availableParallelism } from 'node:os';
import {
  groupHash,
  type IdleGroup,
  type InvokerLoad,
  type InvokerStatus,
  type LoadNote,
  mostIdleGroups,
} from '../../dispatch/index.ts';
import type { MemoryLedger } from '../slots/memory-ledger.ts';
import type { PrewarmPool } from '../slots/prewarm.ts';
import type { Slot } from '../slots/slot.ts';
import type { Group } from './group.ts';

interface LoadTraits {
  /** Average time of a start. */
  readonly startMs: number;
  readonly maxStarting: number;
  readonly maxQueued: number;
}

interface StatusTraits {
  readonly queued: number;
  readonly starting: number;
  readonly prewarm: Pick<PrewarmPool, 'size'>;
  readonly ledger: Pick<MemoryLedger, 'usedMiB' | 'limitMiB'>;
  readonly memoryUsedMiB: () => InvokerStatus['memoryUsedMiB'];
  readonly sandboxesLeft: () => number;
}

/** Each reply to another node has it, so it makes no lists of slots. */
export function statusOf(
  groups: Iterable<Group>,
  { queued, starting, prewarm, ledger, memoryUsedMiB, sandboxesLeft }: StatusTraits,
): InvokerStatus {
  let [all, busy] = [0, 0];
  for (const { slots } of groups) {
    all += slots.length;
    for (const { inFlight } of slots) if (inFlight > 0) busy++;
  }
  return {
    queued,
    sandboxes: { starting, busy, idle: all - busy, prewarmed: prewarm.size },
    memoryMiB: ledger.usedMiB,
    memoryLimitMiB: ledger.limitMiB,
    memoryUsedMiB: memoryUsedMiB(),
    sandboxesLeft: sandboxesLeft(),
  };
}

export function loadOf(
  groups: Iterable<Group>,
  status: InvokerStatus,
  { startMs, maxStarting, maxQueued }: LoadTraits,
): InvokerLoad {
  const idle: (IdleGroup & { readonly usedAt: number })[] = [];
  const soonFree: string[] = [];
  let idleMiB = 0;
  for (const group of groups) {
    const slots = usableOf(group);
    const resting = slots.filter(isResting);
    idleMiB += resting.length * group.plan.memoryMiB;
    const free = slots.reduce((sum, { inFlight }) => sum + Math.max(0, group.concurrency - inFlight), 0);
    const usedAt = Math.max(0, ...resting.map(({ idleSince }) => idleSince));
    if (free > 0) idle.push({ hash: groupHash(group.template), free, usedAt });
    else if (isSoonFree(group, slots, startMs) && soonFree.length < mostIdleGroups)
      soonFree.push(groupHash(group.template));
  }
  idle.sort((one, other) => other.usedAt - one.usedAt);
  return {
    ...{ status, processors: availableParallelism(), idleMiB },
    ...{ mostStarting: maxStarting, mostQueued: maxQueued },
    idle: idle.slice(0, mostIdleGroups).map(({ hash, free }) => ({ hash, free })),
    soonFree,
  };
}

/**
 * True if a call should rather wait for one of its slots. A start would take longer, take the time of a processor, and
 * often the memory of another group's slot, which is then started again.
 */
function isSoonFree(
  { queue, serviceMs, concurrency }: Group,
  slots: readonly Slot[],
  startMs: number,
): boolean {
  const places = slots.length * concurrency;
  const waitMs = (serviceMs * (1 + queue.length)) / (places + 1);
  return places > 0 && waitMs <= startMs;
}

/** The load at this moment, for a reply. */
export function noteOf(groups: Iterable<Group>, status: InvokerStatus): LoadNote {
  const { sandboxes, queued, memoryMiB, memoryLimitMiB } = status;
  let idleMiB = 0;
  for (const { retired, slots, plan } of groups)
    for (const slot of slots) if (!retired && isResting(slot) && isUsable(slot)) idleMiB += plan.memoryMiB;
  return {
    ...{ active: sandboxes.busy + sandboxes.starting, starting: sandboxes.starting, queued },
    ...{ freeMiB: memoryLimitMiB - memoryMiB, idleMiB },
  };
}

/** The slots of the group that can take calls. */
function usableOf({ retired, slots }: Group): readonly Slot[] {
  return retired ? [] : slots.filter(isUsable);
}

function isUsable({ isSpent, runner }: Slot): boolean {
  return !isSpent && !runner.isEnded;
}

function isResting({ inFlight }: Slot): boolean {
  return inFlight === 0;
}
