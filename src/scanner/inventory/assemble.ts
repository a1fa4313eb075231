/**
 * Evidence → an inventory: which of what was found counts, each package once with all its places, and what is missing
 * for somebody to rely on it.
 */
import { atOnce, type Steps } from '../turns.ts';
import type { Component, Distribution, Gap, Inventory, Layer, Location } from '../types.ts';
import { licencesOfDebian } from './deb-copyright.ts';
import { openGraph } from './graph.ts';
import { identify } from './identity.ts';
import { linkedBy, type PackageFolders, unknownPackages } from './npm/folders.ts';
import { osReleasePaths } from './os-release.ts';
import { ownershipOf } from './ownership.ts';
import { isOfSystem, purlOf } from './purl.ts';
import type { FileEvidence, FoundPackage, StandingEvidence } from './types.ts';

interface Assembly {
  readonly standing: readonly StandingEvidence[];
  readonly layers: readonly Layer[];
  readonly gaps: readonly Gap[];
  readonly folders: PackageFolders;
  /** There are programs of a distribution in it, so there must be packages. */
  readonly hasSystem: boolean;
}

export function assemble(assembly: Assembly): Inventory {
  return atOnce(assembling(assembly));
}

/** The same step by step, where a process serves meanwhile. */
export function* assembling({ standing: all, layers, gaps, folders, hasSystem }: Assembly): Steps<Inventory> {
  const isLinked = linkedBy(folders.links);
  const standing = all.filter(
    ({ evidence }) => evidence.isLinkedOnly === undefined || isLinked(evidence.path),
  );
  const { distribution, gaps: identityGaps } = identify(standing);
  const isSilent = !standing.some(({ evidence }) => evidence.distribution !== undefined);
  const isOwned = distribution === undefined ? () => false : ownershipOf(standing);
  const counting = standing.filter(
    ({ evidence }) => !isOwned(evidence) || evidence.packages?.some(({ ecosystem }) => isOfSystem(ecosystem)),
  );
  const installed = installedPaths(counting);
  const isFulfilled = ({ packages, wishedFor }: FileEvidence): boolean =>
    wishedFor !== undefined &&
    (packages ?? []).some(({ ecosystem }) =>
      (installed.get(ecosystem) ?? []).some((path) => path.startsWith(wishedFor)),
    );
  const real = counting.filter(({ evidence }) => !isFulfilled(evidence));
  yield;
  const components = yield* componentsOf(real, hashesWishedFor(counting), distribution);
  return {
    distribution,
    components,
    layers,
    gaps: [
      ...gaps,
      ...identityGaps,
      ...unknownPackages(folders, standing),
      ...real.flatMap(({ evidence }) =>
        (evidence.gaps ?? []).map((reason) => ({ path: evidence.path, reason })),
      ),
      ...missing(isSilent ? undefined : distribution, components, hasSystem),
    ],
  };
}

/** Without these, nothing that a distribution says of its packages can be looked up. */
function missing(
  distribution: Distribution | undefined,
  components: readonly Component[],
  hasSystem: boolean,
): Gap[] {
  const hasPackages = components.some(({ ecosystem }) => isOfSystem(ecosystem));
  if (distribution === undefined && (hasPackages || hasSystem)) {
    return [{ path: osReleasePaths[0], reason: 'it does not say which distribution it is' }];
  }
  if (distribution !== undefined && !hasPackages) {
    return [{ path: '', reason: `it is ${distribution.name}, but has no database of its packages` }];
  }
  return [];
}

function installedPaths(standing: readonly StandingEvidence[]): ReadonlyMap<string, readonly string[]> {
  const installed = new Map<string, string[]>();
  for (const { evidence } of standing) {
    if (evidence.wishedFor !== undefined) continue;
    const present = (evidence.packages ?? []).filter(({ kept }) => kept !== true);
    for (const ecosystem of new Set(present.map((found) => found.ecosystem))) {
      const paths = installed.get(ecosystem);
      if (paths === undefined) installed.set(ecosystem, [evidence.path]);
      else paths.push(evidence.path);
    }
  }
  return installed;
}

interface Gathered {
  /** What is not said in one place may be in another. */
  component: Omit<Component, 'places' | 'kept' | 'hashes'>;
  /** Of each place that tells. */
  readonly hashes: Set<string>;
  readonly places: Map<string, Location>;
  /** In all of its places. */
  isKept: boolean;
}

/** By package URL: a lock beside what was installed by it tells the digests of that. */
function hashesWishedFor(standing: readonly StandingEvidence[]): ReadonlyMap<string, Set<string>> {
  const told = new Map<string, Set<string>>();
  for (const { evidence } of standing) {
    if (evidence.wishedFor === undefined) continue;
    for (const found of evidence.packages ?? []) {
      if (found.hashes === undefined) continue;
      const purl = purlOf(found, undefined);
      told.set(purl, (told.get(purl) ?? new Set()).add(found.hashes.join(' ')));
    }
  }
  return told;
}

function* componentsOf(
  standing: readonly StandingEvidence[],
  told: ReadonlyMap<string, Set<string>>,
  distribution: Distribution | undefined,
): Steps<Component[]> {
  const components = new Map<string, Gathered>();
  const graph = openGraph();
  const licencesOf = licencesOfDebian(standing.flatMap(({ evidence }) => evidence.copyright ?? []));
  for (const { evidence, originOf } of standing) {
    for (const found of evidence.packages ?? []) {
      yield;
      const purl = purlOf(found, distribution);
      const stated = found.ecosystem === 'deb' ? { ...found, licences: licencesOf(found.name) } : found;
      const component = componentOf(stated, purl);
      const entry = components.get(purl) ?? { component, hashes: new Set(), places: new Map(), isKept: true };
      entry.component = { ...component, ...entry.component };
      if (found.hashes) entry.hashes.add(found.hashes.join(' '));
      components.set(purl, entry);
      graph.add(found, purl, evidence.path);
      entry.isKept &&= found.kept === true;
      const path = found.within === undefined ? evidence.path : `${evidence.path}!/${found.within}`;
      const layer = originOf(found);
      entry.places.set(path, layer === undefined ? { path } : { path, layer });
    }
  }
  const needs = yield* graph.result();
  const sorted: Component[] = [];
  for (const [purl, entry] of [...components].sort(([a], [b]) => (a < b ? -1 : 1))) {
    yield;
    const { component, hashes, places, isKept } = entry;
    sorted.push({
      ...component,
      ...hashesIn(hashes.size === 0 ? told.get(purl) : hashes),
      ...needs.get(purl),
      ...(isKept && { kept: true as const }),
      places: [...places.values()].sort((a, b) => (a.path < b.path ? -1 : 1)),
    });
  }
  return sorted;
}

/** Where the same version is of other bytes, none of them is the package's. */
function hashesIn(told: ReadonlySet<string> = new Set()): Pick<Component, 'hashes'> {
  return told.size === 1 ? { hashes: [...told].flatMap((each) => each.split(' ')) } : {};
}

function componentOf(found: FoundPackage, purl: string): Gathered['component'] {
  const { ecosystem, name, version, source, architecture, licences, otherNames } = found;
  return {
    ecosystem,
    name,
    version,
    purl,
    ...(source && { source }),
    ...(architecture !== undefined && { architecture }),
    ...(licences && { licences }),
    ...(found.supplier !== undefined && { supplier: found.supplier }),
    ...(otherNames && { otherNames }),
  };
}
