/** One finding of all advisories that speak of one vulnerability of one component. */
import type { Ecosystem } from '../types.ts';
import { compareVersions } from '../versions/compare.ts';
import type { Hit, Verdict } from './hit.ts';
import { malwareName, orderedNames } from './identity.ts';
import { judge } from './judge.ts';
import { chooseCvss, chooseRating } from './rating.ts';
import type { AdvisoryReader } from './reader.ts';
import { isCve } from './text.ts';

export function toFinding(
  reader: AdvisoryReader,
  ecosystem: Ecosystem,
  hits: readonly Hit[],
  bundles: readonly string[],
): Verdict {
  const names = [...orderedNames(hits), ...bundles];
  return hits.some(({ malicious }) => malicious)
    ? toMalware(hits, names)
    : toVulnerability(reader, ecosystem, hits, names);
}

function toMalware(hits: readonly Hit[], names: readonly string[]): Verdict {
  const id = malwareName(names) ?? '';
  const title = hits.find(({ malicious }) => malicious)?.title ?? id;
  return {
    class: 'malware',
    id,
    title,
    severity: 'critical',
    aliases: names.filter((name) => name !== id),
  };
}

function toVulnerability(
  reader: AdvisoryReader,
  ecosystem: Ecosystem,
  hits: readonly Hit[],
  names: readonly string[],
): Verdict {
  const [id = '', ...aliases] = names;
  const cves = new Set([...names, ...hits.flatMap(({ upstream }) => upstream)].filter(isCve));
  const facts = [...cves].map((cve) => reader.factsOf(cve));
  const ratings = [
    ...hits.flatMap((hit) => hit.ratings),
    ...facts.flatMap((fact) => fact.ratings.filter(({ isDistribution }) => !isDistribution)),
  ];
  const rating = chooseRating(ratings);
  const head = headOf(hits);
  const fixedIn = fixesOf(ecosystem, hits);
  const probabilities = facts.flatMap(({ probability }) => probability ?? []);
  return {
    class: 'vulnerability',
    id,
    title: head.title === head.id ? id : head.title,
    severity: rating?.severity ?? 'unknown',
    aliases,
    severitySource: rating?.source ?? 'none',
    cvss: chooseCvss(rating, ratings),
    fixedIn,
    status: statusOf(hits, fixedIn),
    epss: probabilities.length === 0 ? undefined : Math.max(...probabilities),
    knownExploited: facts.some(({ exploited }) => exploited),
    ...(hits.every(({ uncertain }) => uncertain) ? { uncertain: true } : {}),
    published: hits.flatMap(({ published }) => published ?? []).toSorted()[0],
    url: head.url ?? pageOf(id),
  };
}

/** The one whose words are shown: GitHub's are reviewed, and a distribution's records often have none. */
function headOf(hits: readonly Hit[]): Pick<Hit, 'id' | 'title' | 'url'> {
  const named = hits.filter(({ id, title }) => title !== id);
  return (
    named.find(({ id }) => id.startsWith('GHSA-')) ??
    named[0] ??
    hits[0] ?? { id: '', title: '', url: undefined }
  );
}

/** The nearest first; one that another advisory of the same vulnerability still calls affected is no fix. */
function fixesOf(ecosystem: Ecosystem, hits: readonly Hit[]): readonly string[] {
  const all = [...new Set(hits.flatMap(({ fixes }) => fixes))].toSorted(
    (a, b) => compareVersions(ecosystem, a, b) ?? 0,
  );
  const whole = all.filter((fix) => !hits.some(({ affected }) => judge(affected, ecosystem, fix).affected));
  return whole.length === 0 ? all : whole;
}

function statusOf(hits: readonly Hit[], fixedIn: readonly string[]): string {
  if (fixedIn.length > 0) return 'fixed';
  return hits.find(({ affected }) => affected.status !== undefined)?.affected.status ?? 'affected';
}

function pageOf(id: string): string {
  return isCve(id) ? `https://nvd.nist.gov/vuln/detail/${id}` : `https://osv.dev/vulnerability/${id}`;
}
