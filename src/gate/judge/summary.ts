/** Summarises a verdict in one line, which a client of the registry prints. */
import { type DecisionReason, notLookedFor, remedyOf } from '../../scanner/index.ts';
import { plainText } from '../plain-text.ts';
import type { Action } from '../policy/rules-schema.ts';
import type { Counts, Reason } from './verdict.ts';

export const longestSummary = 400;
const longestPlace = 120;
/** A single reason has room to say what to do. */
const longestCircumstance = 240;
const mostIds = 3;
/** For the client that pushes, who may not own the policy. */
const remedyOfGaps =
  'leave it out, make it readable, or have the operator ignore it (id: gap, with its path)';

/**
 * Gives counts, the first ids with their upgrades, and the place of the report, in at most 400 characters on one line.
 * @param reportAt where the report is: a URL or a path
 */
export function summarise(
  outcome: Action,
  counts: Counts,
  reasons: readonly Reason[],
  reportAt: string | undefined,
): string {
  const place = reportAt === undefined ? '' : `; report: ${plainText(reportAt, longestPlace)}`;
  const unjudged = notLookedFor({ reasons });
  const rest = reasons.filter((reason) => !unjudged.includes(reason));
  // Without another denial, nothing bad is known about it.
  const isFound = unjudged.length === 0 || rest.some((reason) => reason.outcome === 'deny');
  const said = [
    ...(unjudged.length === 0 ? [] : [unjudgedInWords(unjudged)]),
    ...(isFound ? [foundInWords(outcome, counts, rest)] : []),
  ].join('; and ');
  return `${plainText(said, longestSummary - place.length)}${place}`;
}

function foundInWords(outcome: Action, counts: Counts, reasons: readonly Reason[]): string {
  const parts = [
    verdictInWords(outcome, reasons),
    countsInWords(counts),
    circumstances(reasons),
    firstIds(reasons),
  ];
  return parts.filter((part) => part !== '').join(' ');
}

/** Says why Ward could not judge it, and what to do. */
function unjudgedInWords(unjudged: readonly DecisionReason[]): string {
  const rules = [...new Set(unjudged.map(({ rule }) => rule))];
  const why = unjudged.map(({ text }) => plainText(text, 220)).join('; ');
  const [first] = rules;
  const remedy = first === 'gaps' ? remedyOfGaps : remedyOf({ outcome: 'deny', rule: first ?? '' });
  const named = `${rules.length === 1 ? 'rule' : 'rules'} ${rules.join(', ')}`;
  return `not judged, so the ${named} ${rules.length === 1 ? 'refuses' : 'refuse'} it: ${why}${remedy === undefined ? '' : `; ${remedy}`}`;
}

/** Names the rules of a denial. */
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

/** Lists the decisive reasons without findings. */
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
  // A file that the reader must find is named with its path.
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
