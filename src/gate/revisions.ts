/** Revisions of what a verdict depends on besides the report, the namespace and the time. */
import type { Verdict } from './judge/verdict.ts';

export interface Revisions {
  readonly policy: string;
  /** Undefined when there are no advisories. */
  readonly advisories: string | undefined;
  /** Revision of the operator's documents; empty when there are none. */
  readonly vex: string;
}

export function revisionsOf(verdict: Verdict): Revisions {
  const { policyRevision: policy, advisoryRevision: advisories, vexRevision: vex = '' } = verdict;
  return { policy, advisories, vex };
}

export function isSameRevisions(a: Revisions, b: Revisions): boolean {
  return a.policy === b.policy && a.advisories === b.advisories && a.vex === b.vex;
}
