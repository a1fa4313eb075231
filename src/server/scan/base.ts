/** What a scan by hand is compared with: a base, which is scanned in the same way, or an earlier report. */
import {
  type Before,
  type Finding,
  foundBefore,
  type JudgedReport,
  parseReport,
  type Report,
} from '../../scanner/index.ts';
import { findTarget, type ScanTarget } from './target.ts';

/** Something to scan as well, named as a target is; or an earlier report, with the name of its file. */
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

/** @param earlier judged by the advisories that `report` was judged by, so that what was published since is not new */
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

/** What the policy is asked about. */
export function withoutFindings(report: Report, left: ReadonlySet<Finding>): Report {
  return { ...report, findings: report.findings.filter((finding) => !left.has(finding)) };
}

/** The judgement of what is new, with the whole report: it may be what the next one is compared with. */
export function withBefore(judged: JudgedReport, report: Report, before: Before): JudgedReport {
  const old = report.findings.filter((finding) => before.findings.has(finding));
  return {
    ...judged,
    report: { ...judged.report, findings: [...judged.report.findings, ...old] },
    before,
  };
}
