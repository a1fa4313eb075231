/** Joins a report and the gate's verdict on it, for output that shows both. */
import { decisive, type Ignored, type Policy, type Verdict } from '../../gate/index.ts';
import type { JudgedReport, Report, Suppressed } from '../../scanner/index.ts';

/** Marks findings that the policy ignores as declared harmless, and those that it denies as breaking it. */
export function judgedReport(
  policy: Policy,
  report: Report,
  verdict: Verdict,
  version: string,
): JudgedReport {
  const { denied, ignored } = decisive(policy, report, verdict);
  const byPolicy: readonly Suppressed[] = [...ignored].map(([finding, entry]) => ({
    finding,
    reason: reasonOf(entry),
  }));
  return {
    report: {
      ...report,
      findings: report.findings.filter((finding) => !ignored.has(finding)),
      suppressed: [...report.suppressed, ...byPolicy],
    },
    outcome: verdict.outcome,
    reasons: verdict.reasons.map(({ outcome, rule, text }) => ({ outcome, rule, text })),
    breaking: denied,
    version,
  };
}

function reasonOf({ reason, by, expires }: Ignored): string {
  return `ignored by the policy until ${expires}: ${reason} (${by})`;
}
