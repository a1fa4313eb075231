/** What time does to the slots of a group that no job uses. */
import { endGrant, type Group } from './group.ts';
import { hasSpare } from './growth.ts';
import type { SlotLives } from './slot-lives.ts';

export interface SweepTimes {
  /** Slots that have been idle since before it are frozen. */
  readonly freezeBefore: number;
  /** Slots that have been idle since before it are ended. */
  readonly endBefore: number;
}

/** Also takes back jobs that wait behind a slow one or were not begun. */
export function sweepSlots(
  group: Group,
  { freezeBefore, endBefore }: SweepTimes,
  lives: Pick<SlotLives, 'drop'>,
): void {
  endGrant(group);
  for (const slot of [...group.slots]) {
    if (slot.inFlight > 0) slot.runner.reclaim();
    else if (slot.idleSince < endBefore && hasSpare(group)) lives.drop(group, slot);
    else if (slot.idleSince < freezeBefore) slot.runner.freeze().catch(() => void slot.runner.end('exited'));
  }
}
