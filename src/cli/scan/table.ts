/** A scan as a table: findings by class and component, the worst first, and the verdict at the end. */
import { countedFindings, type JudgedReport, outcomeInWords } from '../../scanner/index.ts';
import { renderRecord } from '../table.ts';
import { beforeSection, classSections, gapSection, suppressedSection } from './finding-sections.ts';
import type { TableStyle } from './section.ts';
import { vulnerabilitySection } from './vulnerability-section.ts';
import { counted, countsInWords, reasonsInWords } from './words.ts';

/** Lines without control characters, except those of colours. */
export function scanTable(judged: JudgedReport, style: TableStyle): string[] {
  return [
    ...headOf(judged),
    ...vulnerabilitySection(judged, style),
    ...classSections(judged, style),
    ...gapSection(judged, style),
    ...suppressedSection(judged, style),
    ...beforeSection(judged, style),
    '',
    ...verdictLines(judged, style),
  ];
}

function headOf({ report }: JudgedReport): string[] {
  const { target, inventory, advisories, rules } = report;
  const { components, layers } = inventory;
  return renderRecord([
    [target.kind, target.name],
    ...(target.digest === undefined ? [] : [['digest', target.digest] as const]),
    ...(target.kind === 'code' ? [] : [['system', systemOf(report)] as const]),
    [
      'has',
      [
        counted(components.length, 'component'),
        ...(layers.length === 0 ? [] : [counted(layers.length, 'layer')]),
      ].join(', '),
    ],
    [
      'advisories',
      advisories === undefined
        ? 'none: ward did not look for vulnerabilities (ward advisories update)'
        : `${advisories.count}, the newest of ${advisories.updatedAt?.slice(0, 10) ?? 'an unknown date'}, revision ${advisories.revision}`,
    ],
    ...(rules === undefined ? [] : [['rules', `of Ward ${rules.ward}, revision ${rules.revision}`] as const]),
  ]);
}

function systemOf({ inventory: { distribution } }: JudgedReport['report']): string {
  if (distribution === undefined) return 'unknown';
  const { name, endOfLife, withoutAdvisories, notJudged } = distribution;
  return [
    name,
    ...(endOfLife === undefined ? [] : [`supported until ${endOfLife.slice(0, 10)}`]),
    ...(notJudged ? ['ward can’t judge its packages'] : []),
    ...(withoutAdvisories ? ['no advisory covers its packages'] : []),
  ].join(', ');
}

function verdictLines(judged: JudgedReport, { colors }: TableStyle): string[] {
  const paints = { allow: colors.green, warn: colors.yellow, deny: colors.red };
  const said = colors.bold(paints[judged.outcome](`${outcomeInWords(judged)}:`));
  return [
    `${said} ${countsInWords(countedFindings(judged))}`,
    ...reasonsInWords(judged, (outcome) => paints[outcome](outcome)),
  ];
}
