/**
 * Chooses the severity of a vulnerability among all ratings: the distribution's for its own package first, then GitHub's
 * reviewers, then CVSS of the newest version, then any other word.
 */
import { type Severity, severities } from '../types.ts';
import { cvssVersion, scoreOf } from './cvss.ts';
import type { Rating } from './record.ts';

/** Maps the prefix of an advisory's id to its source. */
const sources: readonly (readonly [prefix: string, source: string])[] = [
  ['GHSA', 'ghsa'],
  ['CVE', 'nvd'],
  ['PYSEC', 'pypa'],
  ['RUSTSEC', 'rustsec'],
  ['GO', 'go'],
  ['BIT', 'bitnami'],
  ['DEBIAN', 'debian'],
  ['DSA', 'debian'],
  ['DLA', 'debian'],
  ['UBUNTU', 'ubuntu'],
  ['USN', 'ubuntu'],
  ['RHSA', 'redhat'],
  ['ALSA', 'almalinux'],
  ['RLSA', 'rocky'],
  ['ALPINE', 'alpine'],
  ['NODESEC', 'nodejs'],
  ['RETIRE', 'retirejs'],
  ['MAL', 'openssf'],
];
const sourceOf = new Map(sources);

const words = new Map<string, Severity>([
  ['none', 'none'],
  ['negligible', 'low'],
  ['unimportant', 'low'],
  ['low', 'low'],
  ['medium', 'medium'],
  ['moderate', 'medium'],
  ['high', 'high'],
  ['important', 'high'],
  ['critical', 'critical'],
]);

/** The source of an advisory: `ghsa`, `debian`; for unknown sources the prefix of the id. */
export function sourceOfId(id: string): string {
  const prefix = id.split('-')[0] ?? id;
  return sourceOf.get(prefix) ?? prefix.toLowerCase();
}

/** Understands `HIGH`, `moderate`, `low**`. */
export function severityOfWord(word: unknown): Severity {
  return typeof word === 'string'
    ? (words.get(word.toLowerCase().replace(/\**$/, '')) ?? 'unknown')
    : 'unknown';
}

export function ratingOfVector(source: string, vector: string): Rating | undefined {
  const cvss = scoreOf(vector);
  return cvss && { source, severity: cvss.severity, cvss: { score: cvss.score, vector: cvss.vector } };
}

/** The deciding rating; undefined when there is none. Among equals the worst wins. */
export function chooseRating(ratings: readonly Rating[]): Rating | undefined {
  return ratings
    .filter(({ severity }) => severity !== 'unknown')
    .reduce<Rating | undefined>(
      (best, rating) => (best && !isBefore(rating, best) ? best : rating),
      undefined,
    );
}

/** The vector to show beside the rating: its own, or the deciding one among all vectors. */
export function chooseCvss(chosen: Rating | undefined, ratings: readonly Rating[]): Rating['cvss'] {
  if (chosen?.cvss !== undefined) return chosen.cvss;
  return chooseRating(ratings.filter(({ cvss }) => cvss !== undefined))?.cvss;
}

function isBefore(a: Rating, b: Rating): boolean {
  const difference = rankOf(a) - rankOf(b);
  return difference === 0 ? badnessOf(a) > badnessOf(b) : difference < 0;
}

function badnessOf({ severity, cvss }: Rating): number {
  return severities.indexOf(severity) + (cvss?.score ?? 0) / 100;
}

function rankOf(rating: Rating): number {
  if (rating.isDistribution) return 0;
  if (rating.source === 'ghsa') return rating.cvss === undefined ? 1 : 2;
  return rating.cvss === undefined ? 10 : 7 - cvssVersion(rating.cvss.vector);
}
