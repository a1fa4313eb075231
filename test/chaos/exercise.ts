/**
 * What clients did, apart from calls that were answered: a run in which they never did it says nothing about what
 * Ward does then.
 */
import type { Violation } from './evidence.ts';

export interface Exercise {
  /** In the plural, as in `refusals for a limit`. */
  readonly what: string;
  readonly count: number;
  /** 1 by default. */
  readonly least?: number;
  /** It takes longer than there is between two faults. */
  readonly isSlow?: boolean;
}

export function unproven(exercises: readonly Exercise[]): readonly Violation[] {
  return exercises
    .filter(({ count, least = 1 }) => count < least)
    .map(({ what, count, least = 1 }) => ({
      rule: 'proves nothing',
      what: `${count} ${what}, at least ${least}`,
    }));
}

export function exerciseLine(exercises: readonly Exercise[]): string {
  return `  exercised: ${exercises.map(({ what, count }) => `${count} ${what}`).join(', ')}`;
}
