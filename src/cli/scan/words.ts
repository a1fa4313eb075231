/** Names, counts and colours of findings. */
import {
  type Decision,
  type Finding,
  findingsBefore,
  type JudgedReport,
  remedyOf,
  type Severity,
  severities,
} from '../../scanner/index.ts';
import type { Colors } from '../io.ts';
import { printableLine } from '../printable.ts';

/** `2 vulnerabilities (1 high, 1 unknown), 1 malware`. */
export function countsInWords(findings: readonly Finding[]): string {
  const vulnerabilities = findings.filter((finding) => finding.class === 'vulnerability');
  const counts = [
    vulnerabilities.length === 0
      ? ''
      : `${counted(vulnerabilities.length, 'vulnerability', 'vulnerabilities')} (${severitiesInWords(vulnerabilities)})`,
    ...classNouns.map(([kind, one, many]) => {
      const count = findings.filter((finding) => finding.class === kind).length;
      return count === 0 ? '' : counted(count, one, many);
    }),
  ];
  return counts.filter((text) => text !== '').join(', ') || 'nothing found';
}

/**
 * The reasons of a verdict, one per line. Below each denial stands what to do, unless a finding says it. Without
 * control characters, except those of `paint`.
 */
export function reasonsInWords(
  { reasons }: JudgedReport,
  paint: (outcome: Decision) => string = (outcome) => outcome,
): readonly string[] {
  return reasons.flatMap((reason) => {
    const { outcome, rule, text } = reason;
    const remedy = remedyOf(reason);
    return [
      `  ${paint(outcome)}  ${printableLine(`${text} (${rule})`)}`,
      ...(remedy === undefined ? [] : [`        ${remedy}`]),
    ];
  });
}

/** What was left out because it existed before; empty without a comparison. */
export function beforeInWords(judged: JudgedReport): readonly string[] {
  const { before } = judged;
  if (before === undefined) return [];
  const findings = findingsBefore(judged);
  const were = findings.length === 1 ? 'was' : 'were';
  return [
    findings.length === 0
      ? `${before.name} has none of these findings`
      : `${counted(findings.length, 'finding')} ${were} in ${before.name} before: ${countsInWords(findings)}`,
    ...(before.unread === 0
      ? []
      : [`${counted(before.unread, 'part')} of ${before.name} could not be read: its findings count as new`]),
    ...(before.hasOtherRules
      ? [`${before.name} was scanned with other rules: what only the current ones find counts as new`]
      : []),
  ];
}

export function painterOf(colors: Colors): Readonly<Record<Severity, (text: string) => string>> {
  return {
    critical: (text) => colors.bold(colors.red(text)),
    high: colors.red,
    medium: colors.yellow,
    low: colors.cyan,
    none: colors.dim,
    unknown: colors.magenta,
  };
}

/** The layer it came from: `3 COPY . /app` for the third layer from below, else empty. */
export function layerOf({ places }: Finding, { report }: JudgedReport): string {
  const { layers } = report.inventory;
  const index = layers.findIndex(({ diffId }) => diffId === places[0]?.layer);
  return index < 0 ? '' : `${index + 1} ${layers[index]?.createdBy ?? ''}`.trimEnd();
}

/** The same, shortened in narrow tables: a history line is as long as the command it ran. */
export function layerCell(finding: Finding, judged: JudgedReport, isWhole: boolean): string {
  const line = [...layerOf(finding, judged)];
  return isWhole || line.length <= 32 ? line.join('') : `${line.slice(0, 31).join('')}…`;
}

/** `1.2 %` of a share from 0 to 1. */
export function percent(share: number | undefined): string {
  if (share === undefined) return '';
  return share > 0 && share < 0.001 ? '<0.1 %' : `${(share * 100).toFixed(1)} %`;
}

export const classNouns = [
  ['malware', 'malicious file or package', 'malicious files or packages'],
  ['secret', 'secret', 'secrets'],
  ['misconfiguration', 'misconfiguration', 'misconfigurations'],
] as const;

export function severitiesInWords(findings: readonly Finding[]): string {
  return severities
    .toReversed()
    .flatMap((severity) => {
      const count = findings.filter((finding) => finding.severity === severity).length;
      return count === 0 ? [] : [`${count} ${severity}`];
    })
    .join(', ');
}

export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
