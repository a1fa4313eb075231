/** The report itself as a document: sorted, with what was made of it, and readable as a report again. */
import type { Finding, Report, Suppressed } from '../types.ts';
import { type JudgedReport, notLookedFor } from './judged-report.ts';
import { compareFindings, compareText, inOrder } from './order.ts';

/** The report, in order, with its `verdict`. */
export function jsonOf(judged: JudgedReport): object {
  const { report, outcome, reasons, breaking, before } = judged;
  const placesOf = (chosen: ReadonlySet<Finding>) =>
    inOrder(report.findings).flatMap((finding, index) => (chosen.has(finding) ? [index] : []));
  return {
    ...sortedReport(report),
    verdict: {
      outcome,
      /** False: something could not be looked for, so that a denial does not say that something was found. */
      isJudged: notLookedFor(judged).length === 0,
      reasons,
      /** Places in `findings`. */
      breaking: placesOf(breaking),
      /** What does not count because it was there before, again as places; only where that was asked for. */
      ...(before === undefined ? {} : { before: { ...before, findings: placesOf(before.findings) } }),
    },
  };
}

/** The same report with components and findings in the one order that does not depend on how it was scanned. */
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

/** For those that share their name. */
function compareAll(a: object, b: object): number {
  return compareText(JSON.stringify(a), JSON.stringify(b));
}
