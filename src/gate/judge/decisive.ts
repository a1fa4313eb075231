/** Tells what a verdict does with each finding, for output that shows the two together. */
import type { Finding, Report } from '../../scanner/index.ts';
import { type Policy, rulesFor } from '../policy/policy.ts';
import { sift } from './ignores.ts';
import { findingsBehind } from './reasons.ts';
import type { Ignored, Verdict } from './verdict.ts';

export interface Decisive {
  /** Findings that cause the denial. */
  readonly denied: ReadonlySet<Finding>;
  /** Findings that the policy's ignore list removes, with the entry that does it. */
  readonly ignored: ReadonlyMap<Finding, Ignored>;
}

/** @param verdict as `judge` returned it for this report and policy, not a stored one */
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
