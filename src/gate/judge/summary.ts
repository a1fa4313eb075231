/** A verdict in one line, as a client of the registry prints it. */
import { plainText } from '../plain-text.ts';
import type { Action } from '../policy/rules-schema.ts';
import type { Counts, Reason } from './verdict.ts';

export const longestSummary = 300;
const longestPlace = 120;
const mostIds = 3;

/**
 * Counts, the first ids with what to upgrade to, and where the report is: at most 300 characters on one line.
 * @param reportAt where the report is: a URL or a path
 */
export function summarise(
  outcome: Action,
  counts: Counts,
  reasons: readonly Reason[],
  reportAt: string | undefined,
): string {
  const place = reportAt === undefined ? '' : `; report: ${plainText(reportAt, longestPlace)}`;
  const said = [inWords[outcome], countsInWords(counts), circumstances(reasons), firstIds(reasons)]
    .filter((part) => part !== '')
    .join(' ');
  return `${plainText(said, longestSummary - place.length)}${place}`;
}

const inWords: Readonly<Record<Action, string>> = {
  allow: 'allowed by policy:',
  warn: 'allowed by policy with warnings:',
  deny: 'denied by policy:',
};

const nouns: readonly (readonly [keyof Counts, string])[] = [
  ['malware', 'malware'],
  ['knownExploited', 'exploited'],
  ['critical', 'critical'],
  ['high', 'high'],
  ['medium', 'medium'],
  ['low', 'low'],
  ['unknown', 'unknown'],
  ['secrets', 'secrets'],
  ['misconfigurations', 'misconfigurations'],
  ['gaps', 'unscanned parts'],
];

function countsInWords(counts: Counts): string {
  const found = nouns.flatMap(([key, noun]) => (counts[key] > 0 ? [`${counts[key]} ${noun}`] : []));
  return found.length === 0 ? 'nothing found' : found.join(', ');
}

/** Reasons that no finding stands for, the decisive ones. */
function circumstances(reasons: readonly Reason[]): string {
  const worst = reasons[0]?.outcome;
  const texts = reasons.filter(({ outcome, findings }) => outcome === worst && findings.length === 0);
  return texts.length === 0 ? '' : `(${texts.map(({ text }) => plainText(text, 90)).join('; ')})`;
}

function firstIds(reasons: readonly Reason[]): string {
  const worst = reasons[0]?.outcome;
  const decisive = reasons.filter(({ outcome, findings }) => outcome === worst && findings.length > 0);
  const ids = [...new Set(decisive.flatMap(({ findings }) => findings))];
  if (ids.length === 0) return '';
  const more = ids.length > mostIds ? ` +${ids.length - mostIds}` : '';
  const upgrades = decisive.flatMap((reason) => reason.upgrades).slice(0, 2);
  const steps = upgrades.map(({ component, version, to }) => `${component} ${version} -> ${to.join('/')}`);
  const upgrade = steps.length === 0 ? '' : `; upgrade ${[...new Set(steps)].join(', ')}`;
  return `[${ids.slice(0, mostIds).join(' ')}${more}${upgrade}]`;
}
