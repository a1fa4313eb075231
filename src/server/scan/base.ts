/** The baseline of a scan by hand: another target, scanned in the same way, or an earlier report. */
import {
  type Before,
  type Finding,
  foundBefore,
  type JudgedReport,
  parseReport,
  type Report,
} from '../../scanner/index.ts';
import { findTarget, type ScanTarget } from './target.ts';

/** Another target to scan, or an earlier report with the name of its file. */
export type ScanBase = { readonly target: string } | { readonly report: Uint8Array; readonly name: string };

export type FoundBase =
  | { readonly name: string; readonly target: ScanTarget }
  | { readonly name: string; readonly report: Report };

/** @throws Fault SCAN_TARGET_INVALID, REPORT_INVALID */
export async function findBase(
  base: ScanBase | undefined,
  imagesDir: string,
): Promise<FoundBase | undefined> {
  if (base === undefined) return undefined;
  if ('report' in base) return { name: base.name, report: parseReport(base.report, base.name) };
  return { name: base.target, target: await findTarget(base.target, imagesDir) };
}

/** @param earlier judged with the same advisories as `report`, so that newer advisories do not count as new findings */
export function beforeOf(report: Report, earlier: Report, name: string): Before {
  const all = [...report.findings, ...report.suppressed.map(({ finding }) => finding)];
  return {
    name,
    digest: earlier.target.digest,
    unread: earlier.inventory.gaps.length,
    hasOtherRules: earlier.rules?.read !== report.rules?.read,
    findings: foundBefore(all, earlier),
  };
}

/** The report for the policy. */
export function withoutFindings(report: Report, left: ReadonlySet<Finding>): Report {
  return { ...report, findings: report.findings.filter((finding) => !left.has(finding)) };
}

/** Judges only new findings, but keeps the whole report: it can be the next baseline. */
export function withBefore(judged: JudgedReport, report: Report, before: Before): JudgedReport {
  const old = report.findings.filter((finding) => before.findings.has(finding));
  return {
    ...judged,
    report: { ...judged.report, findings: [...judged.report.findings, ...old] },
    before,
  };
}
