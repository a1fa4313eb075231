/** Puts findings and verdicts into words, for reports that people read. */
import type { Finding, Severity, Vulnerability } from '../types.ts';
import { type DecisionReason, type JudgedReport, notLookedFor } from './judged-report.ts';
import { componentOf } from './order.ts';

/** Returns `lodash 4.17.20`, else the path, else `the configuration`. */
export function subjectOf(finding: Finding): string {
  const component = componentOf(finding);
  if (component !== undefined) return `${component.name} ${component.version}`;
  const place = finding.places[0];
  if (place === undefined) return 'the configuration';
  const line = finding.class === 'secret' ? finding.line : undefined;
  return line === undefined ? place.path : `${place.path}:${line}`;
}

/** Advice for a finding: a sentence without its full stop. */
export function adviceOf(finding: Finding): string {
  switch (finding.class) {
    case 'vulnerability':
      return fixOf(finding);
    case 'malware':
      return finding.component === undefined
        ? 'remove it, and find out how it got there'
        : `remove ${finding.component.name}, and treat what ran it as compromised`;
    case 'secret':
      return 'revoke it, and build without it: deleting it in a later layer does not remove it';
    case 'misconfiguration':
      return finding.advice;
  }
}

/** Returns `denied` and the like, or `not judged` if some search was not possible. */
export function outcomeInWords(judged: Pick<JudgedReport, 'outcome' | 'reasons'>): string {
  if (notLookedFor(judged).length > 0) return 'not judged';
  return { allow: 'allowed', warn: 'allowed, with warnings', deny: 'denied' }[judged.outcome];
}

/** Advice for a denial that no finding caused. */
export function remedyOf({ outcome, rule }: Pick<DecisionReason, 'outcome' | 'rule'>): string | undefined {
  return outcome === 'deny' ? remedies.get(rule) : undefined;
}

/** Describes a finding in one line: `CVE-2021-23337 (high, known to be exploited) in lodash 4.17.20: Command injection`. */
export function sentenceOf(finding: Finding): string {
  const marks = [
    finding.severity,
    ...(finding.class === 'vulnerability' && finding.knownExploited ? ['known to be exploited'] : []),
  ];
  return `${finding.id} (${marks.join(', ')}) in ${subjectOf(finding)}: ${finding.title}`;
}

/** Returns `update lodash to 4.17.21`, or why there is no fix. */
function fixOf(vulnerability: Vulnerability): string {
  const { component, fixedIn, status } = vulnerability;
  const [nearest] = fixedIn;
  if (nearest !== undefined) return `update ${component.name} to ${nearest}`;
  return `no version fixes it yet${statusWords.get(status) ?? ''}`;
}

/** The score of the advisory, else the middle of the severity's band (CVSS 3.1, section 5); undefined when unknown. */
export function scoreOf(finding: Finding): number | undefined {
  const score = finding.class === 'vulnerability' ? finding.cvss?.score : undefined;
  // If the severity of a distribution contradicts the score, the severity counts.
  return score !== undefined && bandOf(score) === finding.severity ? score : bandScores[finding.severity];
}

/** Returns a URL that is safe as a link in a report. */
export function webAddress(url: string | undefined): string | undefined {
  if (url === undefined || url.length > 2000 || !/^https?:\/\//i.test(url)) return undefined;
  return URL.canParse(url) ? new URL(url).href : undefined;
}

/** Cuts a text to at most `most` code units, and never inside a character. */
export function cut(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1).replace(/[\ud800-\udbff]$/, '')}…`;
}

export function textOr(text: string, otherwise: string): string {
  return text.trim() === '' ? otherwise : text;
}

/** Keyed by rules of the gate that do not concern findings. */
const remedies: ReadonlyMap<string, string> = new Map([
  ['gaps', 'leave it out, make it readable, or ignore it in the policy (id: gap, with its path)'],
  ['unscanned', 'make it readable, or change the rule in the policy'],
  ['advisories.missing', 'run ward advisories update, or import: ward advisories import FOLDER'],
  ['advisories.stale', 'run ward advisories update'],
  ['distribution.notJudged', 'build on a release that has published advisories'],
]);

const statusWords: ReadonlyMap<string, string> = new Map([
  ['will_not_fix', ': the distribution will not fix it'],
  ['fix_deferred', ': the distribution has deferred the fix'],
  ['end_of_life', ': this release gets no fixes any more'],
]);

const bandScores: Readonly<Record<Severity, number | undefined>> = {
  unknown: undefined,
  none: 0,
  low: 2,
  medium: 5.5,
  high: 8,
  critical: 9.5,
};

function bandOf(score: number): Severity {
  if (score >= 9) return 'critical';
  if (score >= 7) return 'high';
  if (score >= 4) return 'medium';
  return score > 0 ? 'low' : 'none';
}
