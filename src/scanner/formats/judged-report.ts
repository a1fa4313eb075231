/** What a report is shown with: which of its findings break a policy, and what the policy says besides. */
import type { Digest } from '../../blobs/index.ts';
import type { Finding, Report } from '../types.ts';

export type Decision = 'allow' | 'warn' | 'deny';

/** Why the outcome is as it is. */
export interface DecisionReason {
  readonly outcome: Decision;
  /** Name of the rule of the policy. */
  readonly rule: string;
  readonly text: string;
}

/** A report and the judgement of it. */
export interface JudgedReport {
  /** All of it, with what was there before. */
  readonly report: Report;
  readonly outcome: Decision;
  readonly reasons: readonly DecisionReason[];
  /** Those of the report's findings that break the policy: the same objects. */
  readonly breaking: ReadonlySet<Finding>;
  /** Of Ward. */
  readonly version: string;
  /** Undefined: all that was found counts. */
  readonly before?: Before | undefined;
}

/** What a report was compared with, and what both have: the policy is asked about the rest alone. */
export interface Before {
  /** Of the base, or of what the earlier report speaks of. */
  readonly name: string;
  readonly digest?: Digest | undefined;
  /** Parts that could not be read there: what is in them counts as new. */
  readonly unread: number;
  /** It was read by other rules: what only the current ones find counts as new. */
  readonly hasOtherRules: boolean;
  /** Those of the report's findings that were there, declared harmless or not: the same objects. */
  readonly findings: ReadonlySet<Finding>;
}

/** What counts: all findings, or those that were not there before. */
export function countedFindings({ report, before }: JudgedReport): readonly Finding[] {
  return report.findings.filter((finding) => before?.findings.has(finding) !== true);
}

/** What does not count because it was there before. */
export function findingsBefore({ report, before }: JudgedReport): readonly Finding[] {
  return report.findings.filter((finding) => before?.findings.has(finding) === true);
}

/**
 * Denials that say it could not be looked, not that something was found: the judgement is not whole. What could not be read
 * is such a one only where nothing else is denied: otherwise what was found is enough to know.
 */
export function notLookedFor({ reasons }: Pick<JudgedReport, 'reasons'>): readonly DecisionReason[] {
  const denied = reasons.filter(({ outcome }) => outcome === 'deny');
  const nothingIsBad = denied.every(({ rule }) => unlooked.has(rule) || unread.has(rule));
  return denied.filter(({ rule }) => unlooked.has(rule) || (nothingIsBad && unread.has(rule)));
}

/** Names of rules, as the gate gives them. */
const unlooked: ReadonlySet<string> = new Set(['advisories.missing', 'distribution.notJudged', 'scan']);
const unread: ReadonlySet<string> = new Set(['gaps', 'unscanned']);
