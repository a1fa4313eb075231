/** Makes one finding of all advisories about one vulnerability of one component. */
import type { Ecosystem } from '../types.ts';
import { compareVersions } from '../versions/compare.ts';
import { weighedCache } from './cache.ts';
import type { Hit, SharedFinding } from './hit.ts';
import { malwareName, orderedNames } from './identity.ts';
import { judge } from './judge.ts';
import { chooseCvss, chooseRating } from './rating.ts';
import type { AdvisoryReader } from './reader.ts';
import { isCve } from './text.ts';

/** `bundles`: ids of distribution advisories that cover this vulnerability among others. */
export type ToFinding = (
  ecosystem: Ecosystem,
  hits: readonly Hit[],
  bundles: readonly string[],
) => SharedFinding;

type SharedVulnerability = Extract<SharedFinding, { class: 'vulnerability' }>;
/** The part that does not depend on the version of the component. */
type Description =
  | Extract<SharedFinding, { class: 'malware' }>
  | Omit<SharedVulnerability, 'fixedIn' | 'fixKnownSince' | 'status' | 'uncertain'>;

const rememberedDescriptions = 50_000;

export function createToFinding(reader: AdvisoryReader): ToFinding {
  const descriptions = weighedCache<Description>(rememberedDescriptions, () => 0);
  return (ecosystem, hits, bundles) => {
    const [first] = hits;
    const key = hits.length === 1 && first ? first.key : hits.map((hit) => hit.key).join(' ');
    const described = descriptions.get(key, () => describe(reader, hits));
    const aliases = bundles.length === 0 ? described.aliases : [...(described.aliases ?? []), ...bundles];
    if (described.class === 'malware') return { ...described, aliases };
    const fixedIn = fixesOf(ecosystem, hits);
    return {
      ...described,
      aliases: aliases ?? [],
      fixedIn,
      fixKnownSince: fixKnownSince(hits),
      status: statusOf(hits, fixedIn),
      ...(hits.every(({ uncertain }) => uncertain) ? { uncertain: true } : {}),
    };
  };
}

function describe(reader: AdvisoryReader, hits: readonly Hit[]): Description {
  const names = orderedNames(hits);
  return hits.some(({ malicious }) => malicious)
    ? describeMalware(hits, names)
    : describeVulnerability(reader, hits, names);
}

function describeMalware(hits: readonly Hit[], names: readonly string[]): Description {
  const id = malwareName(names) ?? '';
  return {
    class: 'malware',
    id,
    title: hits.find(({ malicious }) => malicious)?.title ?? id,
    severity: 'critical',
    aliases: names.filter((name) => name !== id),
  };
}

function describeVulnerability(
  reader: AdvisoryReader,
  hits: readonly Hit[],
  names: readonly string[],
): Description {
  const [id = '', ...aliases] = names;
  const cves = new Set([...names, ...hits.flatMap(({ upstream }) => upstream)].filter(isCve));
  const facts = [...cves].map((cve) => reader.factsOf(cve));
  const ratings = [...hits.flatMap((hit) => hit.ratings), ...facts.flatMap((fact) => fact.ratings)];
  const rating = chooseRating(ratings);
  const head = headOf(hits);
  const probabilities = facts.flatMap(({ probability }) => probability ?? []);
  return {
    class: 'vulnerability',
    id,
    title: head.title === head.id ? id : head.title,
    severity: rating?.severity ?? 'unknown',
    aliases,
    severitySource: rating?.source ?? 'none',
    cvss: chooseCvss(rating, ratings),
    epss: probabilities.length === 0 ? undefined : Math.max(...probabilities),
    knownExploited: facts.some(({ exploited }) => exploited),
    published: firstOf(hits) ?? firstOf(facts),
    url: head.url ?? pageOf(id),
  };
}

/** The advisory whose text is shown. GitHub's are reviewed; a distribution's often have no title. */
function headOf(hits: readonly Hit[]): Pick<Hit, 'id' | 'title' | 'url'> {
  const titled = hits.filter(({ id, title }) => title !== id);
  return (
    titled.find(({ id }) => id.startsWith('GHSA-')) ??
    titled[0] ??
    hits[0] ?? { id: '', title: '', url: undefined }
  );
}

/** Nearest first. Leaves out a fix that another advisory about the same vulnerability still calls affected. */
function fixesOf(ecosystem: Ecosystem, hits: readonly Hit[]): readonly string[] {
  const [first] = hits;
  if (hits.length === 1 && first !== undefined && first.fixes.length < 2) return first.fixes;
  const all = [...new Set(hits.flatMap(({ fixes }) => fixes))].toSorted(
    (a, b) => compareVersions(ecosystem, a, b) ?? 0,
  );
  const whole = all.filter((fix) => !hits.some(({ affected }) => judge(affected, ecosystem, fix).affected));
  return whole.length === 0 ? all : whole;
}

/**
 * The earliest time at which an advisory knew a fix for this version. Without a time of its own, the fix counts from the
 * publication.
 */
function fixKnownSince(hits: readonly Hit[]): string | undefined {
  return hits
    .filter(({ fixes }) => fixes.length > 0)
    .flatMap(({ fixSince, published }) => fixSince ?? published ?? [])
    .toSorted()[0];
}

function statusOf(hits: readonly Hit[], fixedIn: readonly string[]): string {
  if (fixedIn.length > 0) return 'fixed';
  return hits.find(({ affected }) => affected.status !== undefined)?.affected.status ?? 'affected';
}

/** The earliest publication. */
function firstOf(dated: readonly { readonly published?: string | undefined }[]): string | undefined {
  return dated.flatMap(({ published }) => published ?? []).toSorted()[0];
}

function pageOf(id: string): string {
  return isCve(id) ? `https://nvd.nist.gov/vuln/detail/${id}` : `https://osv.dev/vulnerability/${id}`;
}
