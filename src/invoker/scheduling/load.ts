/** The load of the invoker, for those who choose where a job runs. */
import { availableParallelism } from 'node:os';
import {
  groupHash,
  type IdleGroup,
  type InvokerLoad,
  type InvokerStatus,
  mostIdleGroups,
} from '../../dispatch/index.ts';
import type { Group } from './group.ts';

export interface LoadLimits {
  readonly maxStarting: number;
  readonly maxQueued: number;
}

export function loadOf(
  groups: Iterable<Group>,
  status: InvokerStatus,
  { maxStarting, maxQueued }: LoadLimits,
): InvokerLoad {
  const idle: (IdleGroup & { readonly usedAt: number })[] = [];
  let idleMiB = 0;
  for (const group of groups) {
    const slots = group.retired ? [] : group.slots.filter((slot) => !slot.isSpent && !slot.runner.isEnded);
    const resting = slots.filter(({ inFlight }) => inFlight === 0);
    idleMiB += resting.length * group.plan.memoryMiB;
    const free = slots.reduce((sum, { inFlight }) => sum + Math.max(0, group.concurrency - inFlight), 0);
    const usedAt = Math.max(0, ...resting.map(({ idleSince }) => idleSince));
    if (free > 0) idle.push({ hash: groupHash(group.template), free, usedAt });
  }
  idle.sort((one, other) => other.usedAt - one.usedAt);
  return {
    ...{ status, processors: availableParallelism(), idleMiB },
    ...{ mostStarting: maxStarting, mostQueued: maxQueued },
    idle: idle.slice(0, mostIdleGroups).map(({ hash, free }) => ({ hash, free })),
  };
}
