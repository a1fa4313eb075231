/**
 * Turns evidence into an inventory: selects the evidence that counts, lists each package once with all its places, and
 * reports what is missing.
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
  /** The image has programs of a distribution, so it must have packages. */
  readonly hasSystem: boolean;
}

export function assemble(assembly: Assembly): Inventory {
  return atOnce(assembling(assembly));
}

/** Does the same in steps, so that the process can serve other work in between. */
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

/** Reports a missing release or package database. Without them no advisories of the distribution can be looked up. */
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
  /** Merged from all places, since each may lack some fields. */
  component: Omit<Component, 'places' | 'kept' | 'hashes'>;
  /** The hashes that each place states. */
  readonly hashes: Set<string>;
  readonly places: Map<string, Location>;
  /** True if it is only kept in all of its places. */
  isKept: boolean;
}

/** Maps package URLs to the hashes in lock files, which also apply to the packages installed from them. */
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

/** If places state different hashes for a version, none is reported. */
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
