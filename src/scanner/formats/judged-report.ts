/** What a report is shown with: which of its findings break a policy, and what the policy says besides. */
import type { Finding, Report } from '../types.ts';

export type Outcome = 'allow' | 'warn' | 'deny';

/** Why the outcome is as it is. */
export interface OutcomeReason {
  readonly outcome: Outcome;
  /** Name of the rule of the policy. */
  readonly rule: string;
  readonly text: string;
}

/** A report and the judgement of it. */
export interface JudgedReport {
  readonly report: Report;
  readonly outcome: Outcome;
  readonly reasons: readonly OutcomeReason[];
  /** Those of the report's findings that break the policy: the same objects. */
  readonly breaking: ReadonlySet<Finding>;
  /** Of Ward. */
  readonly version: string;
}

/** Denials that say it could not be looked, not that something was found: the judgement is not whole. */
export function notLookedFor({ reasons }: Pick<JudgedReport, 'reasons'>): readonly OutcomeReason[] {
  return reasons.filter(({ outcome, rule }) => outcome === 'deny' && unlooked.has(rule));
}

/** Names of rules, as the gate gives them. */
const unlooked: ReadonlySet<string> = new Set(['advisories.missing', 'distribution.notJudged', 'scan']);
