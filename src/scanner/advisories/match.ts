/**
 * Matches components with advisories: finds the advisories about a component, checks its version, and makes one finding of
 * all advisories about the same vulnerability.
 */
import type { Component, Distribution, Malware, Vulnerability } from '../types.ts';
import { weighedCache } from './cache.ts';
import { createToFinding, type ToFinding } from './finding.ts';
import type { Hit, SharedFinding } from './hit.ts';
import { groupByIdentity } from './identity.ts';
import { fixesAfter, judge } from './judge.ts';
import { isOfModule } from './module.ts';
import { languageEcosystems, lookupName } from './names.ts';
import type { AdvisoryReader } from './reader.ts';
import { releaseMatches } from './releases.ts';
import { isCve } from './text.ts';

export type Match = (
  components: readonly Component[],
  distribution: Distribution | undefined,
) => readonly (Vulnerability | Malware)[];

/** The number of findings to cache: the inventories of many images share most of their components. */
const rememberedFindings = 50_000;

export function createMatch(reader: AdvisoryReader): Match {
  const toFinding = createToFinding(reader);
  const known = weighedCache<readonly SharedFinding[]>(rememberedFindings, (list) => list.length);
  return (components, distribution) => {
    const place = distribution === undefined ? '' : `${distribution.id} ${distribution.versionId}`;
    return components.flatMap((component) =>
      known
        .get(`${keyOf(component)}\n${place}`, () =>
          matchComponent(reader, toFinding, component, distribution),
        )
        // A package that is only kept in an archive never runs, so its bugs do no harm. Malware has no place there either.
        .filter((finding) => component.kept !== true || finding.class === 'malware')
        .map((finding) => ({ ...finding, component: referenceTo(component), places: component.places })),
    );
  };
}

function keyOf({ ecosystem, name, version, source, purl, otherNames }: Component): string {
  const module = ecosystem === 'rpm' ? purl : '';
  return `${ecosystem}\n${name}\n${version}\n${source?.name}\n${source?.version}\n${module}\n${otherNames?.join(' ')}`;
}

function referenceTo({ ecosystem, name, version, purl }: Component): NonNullable<Malware['component']> {
  return { ecosystem, name, version, purl };
}

function matchComponent(
  reader: AdvisoryReader,
  toFinding: ToFinding,
  component: Component,
  distribution: Distribution | undefined,
): readonly SharedFinding[] {
  const hits = questionsOf(component, distribution).flatMap((question) =>
    hitsOf(reader, component, question),
  );
  return withoutBundles(groupByIdentity(hits)).map(({ group, bundles }) =>
    toFinding(component.ecosystem, group, bundles),
  );
}

/** Ecosystem and name to look up, and the version to compare. */
interface Question {
  readonly osvEcosystem: string;
  readonly name: string;
  readonly version: string;
  accepts(release: string): boolean;
}

function questionsOf(component: Component, distribution: Distribution | undefined): readonly Question[] {
  const { ecosystem, name, version } = component;
  if (ecosystem !== 'deb' && ecosystem !== 'apk' && ecosystem !== 'rpm') {
    const names = [name, ...(component.otherNames ?? [])];
    return languageEcosystems(ecosystem).flatMap((osvEcosystem) =>
      names.map((each) => ({
        osvEcosystem,
        name: lookupName(osvEcosystem, each),
        version,
        accepts: () => true,
      })),
    );
  }
  const source = component.source ?? { name, version };
  // Some rpm distributions list built packages, others list source packages.
  const isBoth = ecosystem === 'rpm' && source.name !== name;
  const asked = isBoth ? [{ name, version }, source] : [source];
  return releaseMatches(distribution).flatMap(({ ecosystem: osvEcosystem, accepts }) =>
    asked.map((each) => ({ osvEcosystem, ...each, accepts })),
  );
}

function hitsOf(reader: AdvisoryReader, component: Component, question: Question): readonly Hit[] {
  const { ecosystem } = component;
  const { version } = question;
  return reader.candidates(question.osvEcosystem, question.name, ecosystem).flatMap((candidate) => {
    const { affected } = candidate;
    if (!question.accepts(affected.release) || !isOfModule(affected, component)) return [];
    const judgement = judge(affected, ecosystem, version);
    if (!judgement.affected) return [];
    const fixes = fixesAfter(affected, ecosystem, version);
    return [{ ...candidate, uncertain: judgement.uncertain, fixes }];
  });
}

interface Group {
  readonly group: readonly Hit[];
  /** Advisories that cover this vulnerability among others. */
  readonly bundles: readonly string[];
}

/** Drops a distribution's advisory about several vulnerabilities when each of them is reported by itself. */
function withoutBundles(groups: readonly (readonly Hit[])[]): readonly Group[] {
  const bundles = groups.filter(isBundle);
  if (bundles.length === 0) return groups.map((group) => ({ group, bundles: [] }));
  const single = groups.filter((group) => !isBundle(group));
  const reported = new Set(single.flatMap((group) => group.flatMap(({ names }) => names)));
  const covered = bundles.filter((group) =>
    group.every(({ upstream }) => upstream.every((id) => reported.has(id))),
  );
  return [
    ...single.map((group) => ({ group, bundles: bundlesOf(group, covered.flat()) })),
    ...bundles.filter((group) => !covered.includes(group)).map((group) => ({ group, bundles: [] })),
  ];
}

function isBundle(group: readonly Hit[]): boolean {
  return group.every(({ upstream, names }) => upstream.length > 0 && !names.some(isCve));
}

function bundlesOf(group: readonly Hit[], covered: readonly Hit[]): readonly string[] {
  const names = new Set(group.flatMap((hit) => hit.names));
  return covered.filter(({ upstream }) => upstream.some((id) => names.has(id))).map(({ id }) => id);
}
