/**
 * A report as a page for people: the verdict of the gate and the findings of a scan, without a script. All text comes
 * from the pusher: it is escaped, shortened, and stripped of characters that change how other text is shown.
 */
import { createHash } from 'node:crypto';
import type { Verdict, Vouchers } from '../../gate/index.ts';
import { adviceOf, type Finding, outcomeInWords, type Report, remedyOf } from '../../scanner/index.ts';

export interface ReportPage {
  readonly html: string;
  /** Value of the header `Content-Security-Policy`: allows only the style of this page. */
  readonly contentSecurityPolicy: string;
}

const mostRows = 500;
const longestText = 300;
/** Equal to the scanner's own limit: the reason of a gap ends with what to do. */
const longestReason = 500;
/** Advice, also for gaps that a policy allows. */
const forEachGap = `What to do about each: ${remedyOf({ outcome: 'deny', rule: 'gaps' })}.`;
const style = `body{font:16px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;width:100%}th,td{border-bottom:1px solid #ccc;padding:.3rem .6rem;text-align:left;vertical-align:top}
td{overflow-wrap:anywhere}.denied{color:#a40000;font-weight:600}
.unread{color:#7a4b00;font-weight:600}`;
const styleHash = createHash('sha256').update(style).digest('base64');
const contentSecurityPolicy = [
  "default-src 'none'",
  `style-src 'sha256-${styleHash}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** @param report undefined when it could not be scanned, or was exempt */
export function reportPage(
  digest: string,
  verdicts: readonly Verdict[],
  report: Report | undefined,
): ReportPage {
  const name = report?.target.name ?? digest;
  const html = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escaped(`Report of ${name}`)}</title><style>${style}</style></head><body>
<h1>${escaped(name)}</h1><p>${escaped(digest)}</p>
${verdicts.map(verdictPart).join('\n')}
${report === undefined ? '<p>No scan report exists.</p>' : reportPart(report)}
</body></html>
`;
  return { html, contentSecurityPolicy };
}

function verdictPart(verdict: Verdict): string {
  const { stage, summary, reasons, vouchers } = verdict;
  const rows = reasons.map((reason) => [reason.outcome, reason.rule, reason.text, remedyOf(reason) ?? '']);
  const said = outcomeInWords(verdict);
  return `<h2>${escaped(`${stage}: `)}<span class="${lookOf(said)}">${escaped(said)}</span></h2>
<p>${escaped(summary)}</p><p>${escaped(versionsOf(verdict))}</p>${vouchers === undefined ? '' : vouchersPart(vouchers)}
${table(['outcome', 'rule', 'why', 'to do'], rows)}`;
}

/** Styles content that could not be judged differently from denied content. */
function lookOf(outcome: string): string {
  if (outcome === 'not judged') return 'unread';
  return outcome === 'denied' ? 'denied' : 'let-in';
}

function vouchersPart({ signedBy, attested }: Vouchers): string {
  const lines = [
    ...signedBy.map((each) => `Signed by ${each}`),
    ...attested.map((each) => `Attested: ${each}`),
  ];
  return lines.map((line) => `<p>${escaped(line)}</p>`).join('');
}

function versionsOf(verdict: Verdict): string {
  const { judgedAt, policyRevision, advisoryRevision, advisoriesAt, rulesRevision, wardVersion } = verdict;
  const day = advisoriesAt === undefined ? '' : ` of ${advisoriesAt.slice(0, 10)}`;
  const advisories =
    advisoryRevision === undefined ? 'no advisories' : `advisories ${advisoryRevision}${day}`;
  const rules =
    rulesRevision === undefined ? 'unknown rules' : `rules ${rulesRevision} of Ward ${wardVersion}`;
  return `Judged ${judgedAt} with the policy ${policyRevision}, ${advisories}, and ${rules}`;
}

function reportPart({ scannedAt, findings, inventory }: Report): string {
  const found = findings.map((finding) => [
    finding.severity,
    finding.id,
    componentOf(finding),
    finding.title,
    finding.places.map(({ path }) => path).join(', '),
    adviceOf(finding),
  ]);
  const gaps = inventory.gaps.map(({ path, reason }) => [path, reason]);
  return `<h2>Found</h2><p>${escaped(`Scanned ${scannedAt}`)}</p>
${table(['severity', 'id', 'component', 'what', 'where', 'to do'], found)}
<h2>Could not be read</h2>${gaps.length === 0 ? '' : `<p>${escaped(forEachGap)}</p>`}
${table(['entry', 'why, and what to do'], gaps, longestReason)}`;
}

function componentOf(finding: Finding): string {
  if (finding.class === 'vulnerability') {
    const { component, fixedIn } = finding;
    const fix = fixedIn[0] === undefined ? '' : `, fixed in ${fixedIn[0]}`;
    return `${component.name} ${component.version}${fix}`;
  }
  const component = finding.class === 'malware' ? finding.component : undefined;
  return component === undefined ? '' : `${component.name} ${component.version}`;
}

function table(
  titles: readonly string[],
  rows: readonly (readonly string[])[],
  longest = longestText,
): string {
  if (rows.length === 0) return '<p>Nothing.</p>';
  const line = (cells: readonly string[], tag: 'td' | 'th') =>
    `<tr>${cells.map((cell) => `<${tag}>${escaped(cell, longest)}</${tag}>`).join('')}</tr>`;
  const more =
    rows.length > mostRows ? `<p>${rows.length - mostRows} more are in the report as JSON.</p>` : '';
  const body = rows.slice(0, mostRows).map((row) => line(row, 'td'));
  return `<table>${line(titles, 'th')}${body.join('\n')}</table>${more}`;
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escaped(text: string, longest = longestText): string {
  const plain = text.slice(0, longest * 2).replaceAll(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, '\ufffd');
  const cut = plain.length > longest ? `${plain.slice(0, longest)}…` : plain;
  return cut.replaceAll(/[&<>"']/g, (character) => entities[character] ?? '');
}
