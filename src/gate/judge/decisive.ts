/** What a verdict does with each finding, for those who show the two together. */
import type { Finding, Report } from '../../scanner/index.ts';
import { type Policy, rulesFor } from '../policy/policy.ts';
import { sift } from './ignores.ts';
import { findingsBehind } from './reasons.ts';
import type { Ignored, Verdict } from './verdict.ts';

export interface Decisive {
  /** Those for which it is denied. */
  readonly denied: ReadonlySet<Finding>;
  /** Those that the policy's ignore list takes away, and by which entry. */
  readonly ignored: ReadonlyMap<Finding, Ignored>;
}

/** @param verdict as `judge` gave it of this report and policy, not one that was stored */
export function decisive(policy: Policy, report: Report, verdict: Verdict): Decisive {
  const { ignore } = rulesFor(policy, verdict.namespace, verdict.stage);
  const now = Date.parse(verdict.judgedAt);
  const denied = verdict.reasons.filter(({ outcome }) => outcome === 'deny').flatMap(findingsBehind);
  if (ignore.length === 0) return { denied: new Set(denied), ignored: new Map() };
  const ignored = report.findings.flatMap((finding) =>
    sift([finding], [], ignore, now).ignored.map((entry) => [finding, entry] as const),
  );
  return { denied: new Set(denied), ignored: new Map(ignored) };
}
