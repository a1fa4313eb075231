/** A verdict in one line, as a client of the registry prints it. */
import { plainText } from '../plain-text.ts';
import type { Action } from '../policy/rules-schema.ts';
import type { Counts, Reason } from './verdict.ts';

export const longestSummary = 400;
const longestPlace = 120;
/** One alone says what to do, too. */
const longestCircumstance = 240;
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
  const said = isUnread(reasons)
    ? unreadInWords(reasons)
    : [verdictInWords(outcome, reasons), countsInWords(counts), circumstances(reasons), firstIds(reasons)]
        .filter((part) => part !== '')
        .join(' ');
  return `${plainText(said, longestSummary - place.length)}${place}`;
}

/** Rules that speak of what nobody could look at: such a refusal says nothing bad of what is in it. */
const unreadRules: ReadonlySet<string> = new Set(['gaps', 'unscanned']);

function isUnread(reasons: readonly Reason[]): boolean {
  const denied = reasons.filter(({ outcome }) => outcome === 'deny');
  return denied.length > 0 && denied.every(({ rule }) => unreadRules.has(rule));
}

function unreadInWords(reasons: readonly Reason[]): string {
  const denied = reasons.filter(({ outcome }) => outcome === 'deny');
  const [{ rule = '', text = '' } = {}] = denied;
  const others = denied.slice(1).map((each) => each.text);
  const why = [text, ...others].map((each) => plainText(each, 220)).join('; ');
  const remedy =
    rule === 'gaps'
      ? 'leave it out, make it readable, or have the operator ignore it (id: gap, with its path)'
      : 'push it in a form that can be read, or have the operator change the rule';
  return `not judged, so refused by the rule ${rule}: ${why}; ${remedy}`;
}

/** A denial names its rules. */
function verdictInWords(outcome: Action, reasons: readonly Reason[]): string {
  if (outcome === 'allow') return 'allowed by policy:';
  if (outcome === 'warn') return 'allowed by policy with warnings:';
  const rules = new Set(reasons.filter((reason) => reason.outcome === 'deny').map(({ rule }) => rule));
  return `denied by policy (${[...rules].slice(0, 4).join(', ')}):`;
}

const placedRules: ReadonlySet<string> = new Set(['malware', 'secrets', 'misconfiguration']);

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
  const limit = texts.length === 1 ? longestCircumstance : 90;
  return texts.length === 0 ? '' : `(${texts.map(({ text }) => plainText(text, limit)).join('; ')})`;
}

function firstIds(reasons: readonly Reason[]): string {
  const worst = reasons[0]?.outcome;
  const decisive = reasons.filter(({ outcome, findings }) => outcome === worst && findings.length > 0);
  const placed = decisive.filter(({ rule }) => placedRules.has(rule));
  // A file that somebody has to look for is named with its place.
  const places = placed.map(({ text }) => plainText(text.slice(text.indexOf(': ') + 2), 90)).join('; ');
  const ids = [...new Set(decisive.flatMap(({ findings }) => findings))];
  if (ids.length === 0) return '';
  if (placed.length === decisive.length) return `[${places}]`;
  const more = ids.length > mostIds ? ` +${ids.length - mostIds}` : '';
  const upgrades = decisive.flatMap((reason) => reason.upgrades).slice(0, 2);
  const steps = upgrades.map(({ component, version, to }) => `${component} ${version} -> ${to.join('/')}`);
  const upgrade = steps.length === 0 ? '' : `; upgrade ${[...new Set(steps)].join(', ')}`;
  return `[${ids.slice(0, mostIds).join(' ')}${more}${upgrade}]`;
}
