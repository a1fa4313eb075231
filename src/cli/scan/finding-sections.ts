/** The other findings of a scan: malware, secrets, misconfigurations, unreadable files, findings declared harmless. */
import {
  compareFindings,
  countedFindings,
  type Finding,
  findingsBefore,
  inOrder,
  type JudgedReport,
} from '../../scanner/index.ts';
import { printableLine } from '../printable.ts';
import type { Column } from '../table.ts';
import { sectionOf, type TableStyle } from './section.ts';
import { beforeInWords, classNouns, counted, layerCell, painterOf } from './words.ts';

export function classSections(judged: JudgedReport, style: TableStyle): string[] {
  const findings = countedFindings(judged);
  const { inventory } = judged.report;
  const paint = painterOf(style.colors);
  const columns: Column<Finding>[] = [
    {
      title: 'severity',
      cell: ({ severity }) => severity,
      paint: (text, { severity }) => paint[severity](text),
    },
    { title: 'id', cell: ({ id }) => id },
    { title: 'what', cell: whatOf },
    { title: 'where', cell: whereOf },
    ...(inventory.layers.length > 0
      ? [{ title: 'layer', cell: (finding: Finding) => layerCell(finding, judged, style.isWide) }]
      : []),
  ];
  return classNouns.flatMap(([kind]) => {
    const rows = inOrder(findings.filter((finding) => finding.class === kind));
    return rows.length === 0 ? [] : sectionOf(sectionTitles[kind], rows.length, columns, rows, style);
  });
}

const sectionTitles = {
  malware: 'malware',
  secret: 'secrets',
  misconfiguration: 'misconfiguration',
} as const;

function whatOf(finding: Finding): string {
  if (finding.class === 'secret') return `${finding.title} ${finding.redacted}`;
  return finding.class === 'misconfiguration' ? `${finding.title}: ${finding.advice}` : finding.title;
}

function whereOf(finding: Finding): string {
  const component = finding.class === 'malware' ? finding.component : undefined;
  if (component !== undefined) return `${component.name} ${component.version}`;
  const [place, ...others] = finding.places;
  if (place === undefined) return 'configuration';
  const line = finding.class === 'secret' && finding.line !== undefined ? `:${finding.line}` : '';
  return `${place.path}${line}${others.length === 0 ? '' : ` and ${others.length} more`}`;
}

export function gapSection({ report }: JudgedReport, style: TableStyle): string[] {
  const { gaps } = report.inventory;
  if (gaps.length === 0) return [];
  const columns = [
    { title: 'path', cell: ({ path }: { path: string }) => path },
    { title: 'why', cell: ({ reason }: { reason: string }) => reason },
  ];
  return sectionOf('not read', gaps.length, columns, gaps, style);
}

export function suppressedSection({ report }: JudgedReport, style: TableStyle): string[] {
  const { suppressed } = report;
  if (suppressed.length === 0) return [];
  const count = `${counted(suppressed.length, 'finding')} declared harmless`;
  if (!style.isWide)
    return ['', style.colors.dim(`${count} (-o wide lists ${suppressed.length === 1 ? 'it' : 'them'})`)];
  const columns: Column<(typeof suppressed)[number]>[] = [
    { title: 'id', cell: ({ finding }) => finding.id },
    {
      title: 'where',
      cell: ({ finding }) => purlOrPlace(finding),
    },
    { title: 'reason', cell: ({ reason }) => reason },
  ];
  const rows = suppressed.toSorted((a, b) => compareFindings(a.finding, b.finding));
  return sectionOf('declared harmless', suppressed.length, columns, rows, style);
}

/** Findings that do not count because they existed before. */
export function beforeSection(judged: JudgedReport, style: TableStyle): string[] {
  const findings = findingsBefore(judged);
  const lines = beforeInWords(judged).map((line) => style.colors.dim(printableLine(line)));
  if (lines.length === 0) return [];
  if (findings.length === 0 || !style.isWide) return ['', ...lines];
  const columns: Column<Finding>[] = [
    { title: 'severity', cell: ({ severity }) => severity },
    { title: 'id', cell: ({ id }) => id },
    { title: 'where', cell: purlOrPlace },
  ];
  const section = sectionOf('there before', findings.length, columns, inOrder(findings), style);
  return [...section, '', ...lines];
}

function purlOrPlace(finding: Finding): string {
  return 'component' in finding ? (finding.component?.purl ?? '') : whereOf(finding);
}
