/**
 * Why jobs wait. An obstacle holds for all jobs of a group, so the group notes when it last met each one. A job then
 * has met those that its group met since the job began to wait. Jobs that do not wait cost nothing.
 */
import { type WaitReason, waitReasons } from '../../dispatch/index.ts';
import type { Group, WaitingJob } from './group.ts';

/** Notes what the group has just met. */
export function meet(group: Pick<Group, 'metAt'>, obstacle: WaitReason): void {
  group.metAt[obstacle] = performance.now();
}

/** The obstacle that says most about the job's wait, which is over. Undefined: none is known. */
export function obstacleOf(
  { metAt }: Pick<Group, 'metAt'>,
  { queuedAt }: Pick<WaitingJob, 'queuedAt'>,
): WaitReason | undefined {
  // A slot had taken it at once, and gave it back.
  if (queuedAt === 0) return undefined;
  return waitReasons.find((reason) => (metAt[reason] ?? 0) >= queuedAt);
}
