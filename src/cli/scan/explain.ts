/** Explains one id of a scan: where and how it was found, its ratings, and the consequences. */
import { adviceOf, compareFindings, type Finding, type JudgedReport } from '../../scanner/index.ts';
import { renderRecord } from '../table.ts';
import { layerOf, percent } from './words.ts';

/** The explanation of one finding. */
interface Explained {
  readonly finding: Finding;
  readonly breaksPolicy: boolean;
  /** Why it does not count: it was declared harmless, or existed before. */
  readonly suppressed?: string;
}

/** Finds every finding with the id, also as an alias; the worst first. */
export function findExplained({ report, breaking, before }: JudgedReport, id: string): readonly Explained[] {
  const isIt = (finding: Finding) =>
    idsOf(finding).some((each) => each.toUpperCase() === id.trim().toUpperCase());
  const open = report.findings.filter(isIt).map((finding) => ({
    finding,
    breaksPolicy: breaking.has(finding),
    ...(before?.findings.has(finding) ? { suppressed: `${before.name} has it too` } : {}),
  }));
  const harmless = report.suppressed
    .filter(({ finding }) => isIt(finding))
    .map(({ finding, reason }) => ({ finding, breaksPolicy: false, suppressed: reason }));
  return [...open, ...harmless].toSorted((a, b) => compareFindings(a.finding, b.finding));
}

/** A block of lines for each, with an empty line between them. */
export function explainLines(explained: readonly Explained[], judged: JudgedReport): string[] {
  return explained.flatMap((each, index) => [
    ...(index === 0 ? [] : ['']),
    ...renderRecord(fieldsOf(each, judged).filter(([, value]) => value !== '')),
  ]);
}

type Field = readonly [label: string, value: string];

function fieldsOf({ finding, breaksPolicy, suppressed }: Explained, judged: JudgedReport): readonly Field[] {
  return [
    ['id', finding.id],
    ['title', finding.title],
    ...(finding.class === 'vulnerability'
      ? ratingFields(finding)
      : [['severity', finding.severity] as const]),
    ...componentFields(finding),
    ...finding.places
      .slice(0, mostPlaces)
      .flatMap((place) => placeFields({ ...finding, places: [place] }, judged)),
    ...(finding.places.length > mostPlaces
      ? [['found in', `${finding.places.length - mostPlaces} more places`] as const]
      : []),
    ['to do', adviceOf(finding)],
    [
      'policy',
      suppressed === undefined
        ? breaksPolicy
          ? 'breaks it'
          : 'does not break it'
        : `does not count: ${suppressed}`,
    ],
  ];
}

const mostPlaces = 20;

function ratingFields(finding: Extract<Finding, { class: 'vulnerability' }>): readonly Field[] {
  const { aliases, severity, severitySource, cvss, epss, knownExploited, published, url } = finding;
  return [
    ['also', aliases.join(', ')],
    ['severity', `${severity}, as ${severitySource || 'no one'} says`],
    ['cvss', cvss === undefined ? '' : `${cvss.score} ${cvss.vector}`],
    ['epss', epss === undefined ? '' : `${percent(epss)} within 30 days`],
    ['exploited', knownExploited ? 'yes, it is on CISA’s list' : ''],
    ['published', published?.slice(0, 10) ?? ''],
    ['more', url ?? ''],
  ];
}

function componentFields(finding: Finding): readonly Field[] {
  if (finding.class !== 'vulnerability' && finding.class !== 'malware') return [];
  const { component } = finding;
  if (component === undefined) return [];
  const fixed =
    finding.class === 'vulnerability'
      ? finding.fixedIn.join(', ') || `in no version (${finding.status})`
      : '';
  return [
    ['component', `${component.name} ${component.version}`],
    ['purl', component.purl],
    ['fixed', fixed],
  ];
}

function placeFields(finding: Finding, judged: JudgedReport): readonly Field[] {
  const layer = layerOf(finding, judged);
  const line = finding.class === 'secret' && finding.line !== undefined ? `:${finding.line}` : '';
  return [
    ['found in', `${finding.places[0]?.path ?? ''}${line}`],
    ['layer', layer],
  ];
}

function idsOf(finding: Finding): readonly string[] {
  return finding.class === 'vulnerability' ? [finding.id, ...finding.aliases] : [finding.id];
}
