/** A report with its judgement: the findings that break a policy, and the other reasons of the policy. */
import type { Digest } from '../../blobs/index.ts';
import type { Finding, Report } from '../types.ts';

export type Decision = 'allow' | 'warn' | 'deny';

/** A reason for the outcome. */
export interface DecisionReason {
  readonly outcome: Decision;
  /** Name of the rule of the policy. */
  readonly rule: string;
  readonly text: string;
}

export interface JudgedReport {
  /** The whole report, including findings from before. */
  readonly report: Report;
  readonly outcome: Decision;
  readonly reasons: readonly DecisionReason[];
  /** The findings of the report that break the policy, as the same objects. */
  readonly breaking: ReadonlySet<Finding>;
  /** Version of Ward. */
  readonly version: string;
  /** Undefined when all findings count. */
  readonly before?: Before | undefined;
}

/** The base of a comparison, and the findings that both have. The policy judges only the others. */
export interface Before {
  /** Name of the base, or of the target of the earlier report. */
  readonly name: string;
  readonly digest?: Digest | undefined;
  /** Number of parts that were unreadable there. Findings in them count as new. */
  readonly unread: number;
  /** It was scanned with other rules. Findings that only the current rules make count as new. */
  readonly hasOtherRules: boolean;
  /** The findings of the report that were there before, even if declared harmless, as the same objects. */
  readonly findings: ReadonlySet<Finding>;
}

/** The findings that count: all, or those that were not there before. */
export function countedFindings({ report, before }: JudgedReport): readonly Finding[] {
  return report.findings.filter((finding) => before?.findings.has(finding) !== true);
}

/** The findings that don't count because they were there before. */
export function findingsBefore({ report, before }: JudgedReport): readonly Finding[] {
  return report.findings.filter((finding) => before?.findings.has(finding) === true);
}

/**
 * Denials because a search was not possible, rather than because of a finding: then the judgement is incomplete. Unreadable
 * parts make it incomplete only if nothing else is denied, since otherwise the findings decide.
 */
export function notLookedFor({ reasons }: Pick<JudgedReport, 'reasons'>): readonly DecisionReason[] {
  const denied = reasons.filter(({ outcome }) => outcome === 'deny');
  const nothingIsBad = denied.every(({ rule }) => unlooked.has(rule) || unread.has(rule));
  return denied.filter(({ rule }) => unlooked.has(rule) || (nothingIsBad && unread.has(rule)));
}

/** Names of rules of the gate. */
const unlooked: ReadonlySet<string> = new Set(['advisories.missing', 'distribution.notJudged', 'scan']);
const unread: ReadonlySet<string> = new Set(['gaps', 'unscanned']);
