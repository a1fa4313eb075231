/** Writes the report itself as a sorted document with its verdict. `parseReport` can read it back. */
import type { Finding, Report, Suppressed } from '../types.ts';
import { type JudgedReport, notLookedFor } from './judged-report.ts';
import { compareFindings, compareText, inOrder } from './order.ts';

/** Returns the sorted report with its `verdict`. */
export function jsonOf(judged: JudgedReport): object {
  const { report, outcome, reasons, breaking, before } = judged;
  const placesOf = (chosen: ReadonlySet<Finding>) =>
    inOrder(report.findings).flatMap((finding, index) => (chosen.has(finding) ? [index] : []));
  return {
    ...sortedReport(report),
    verdict: {
      outcome,
      /** False if some search was not possible. Then a denial does not mean that something was found. */
      isJudged: notLookedFor(judged).length === 0,
      reasons,
      /** Indexes in `findings`. */
      breaking: placesOf(breaking),
      /** Indexes of findings that don't count because they were there before; only after a comparison. */
      ...(before === undefined ? {} : { before: { ...before, findings: placesOf(before.findings) } }),
    },
  };
}

/** Sorts components and findings in an order that does not depend on how the scan ran. */
export function sortedReport(report: Report): Report {
  const { inventory } = report;
  return {
    ...report,
    inventory: {
      ...inventory,
      components: inventory.components.toSorted((a, b) => compareText(a.purl, b.purl) || compareAll(a, b)),
      gaps: inventory.gaps.toSorted((a, b) => compareText(a.path, b.path) || compareText(a.reason, b.reason)),
    },
    findings: inOrder(report.findings),
    suppressed: report.suppressed.toSorted(compareSuppressed),
  };
}

function compareSuppressed(a: Suppressed, b: Suppressed): number {
  return compareFindings(a.finding, b.finding) || compareText(a.reason, b.reason);
}

/** Breaks ties between equal names. */
function compareAll(a: object, b: object): number {
  return compareText(JSON.stringify(a), JSON.stringify(b));
}
