/** Compares a new verdict with the one before it, for images and code that run already. */

import type { Verdict } from './judge/verdict.ts';
import { type Action, actions } from './policy/rules-schema.ts';

export interface GateEvent {
  readonly type: 'became-vulnerable' | 'became-clean';
  readonly before: Verdict;
  readonly after: Verdict;
  /** Ids that no reason named before. */
  readonly added: readonly string[];
  /** Ids that no reason names any more. */
  readonly removed: readonly string[];
}

/**
 * Worse is a stricter outcome, or new findings among the reasons. Better is a milder outcome, or reasons that name no
 * finding any more. Returns undefined for neither.
 */
export function changeBetween(before: Verdict, after: Verdict): GateEvent | undefined {
  const old = idsIn(before);
  const now = idsIn(after);
  const added = [...now].filter((id) => !old.has(id));
  const removed = [...old].filter((id) => !now.has(id));
  const step = strictness(after.outcome) - strictness(before.outcome);
  const event = { before, after, added, removed };
  if (step > 0 || (step === 0 && added.length > 0)) return { type: 'became-vulnerable', ...event };
  if (step < 0 || (now.size === 0 && removed.length > 0)) return { type: 'became-clean', ...event };
  return undefined;
}

function idsIn({ reasons }: Verdict): ReadonlySet<string> {
  return new Set(reasons.flatMap(({ findings }) => findings));
}

function strictness(outcome: Action): number {
  return actions.indexOf(outcome);
}
