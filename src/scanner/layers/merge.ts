/**
 * Merges the analyses of an image's layers. `hiding.ts` decides what a layer hides of those below it.
 * Source: OCI image-spec v1.1, layer.md.
 */
import { linkTarget } from '../../images/index.ts';
import { assembling } from '../inventory/assemble.ts';
import { isDatabasePath, isSystemLibrary } from '../inventory/databases.ts';
import { addWithFolders, isCode, type PackageFolders, packageFolderOf } from '../inventory/npm/folders.ts';
import type { FileEvidence, FoundPackage, StandingEvidence } from '../inventory/types.ts';
import { atOnce, type Steps } from '../turns.ts';
import type { Finding, Gap, Inventory, Location } from '../types.ts';
import { filesIn, type LayerAnalysis } from './analysis.ts';
import { hiderOf } from './hiding.ts';

/** A layer with the history line that made it. */
export interface StackedLayer {
  readonly analysis: LayerAnalysis;
  readonly createdBy: string | undefined;
}

export interface Merged {
  readonly inventory: Inventory;
  readonly findings: readonly Finding[];
}

/** @param stack the lowest layer first */
export function mergeLayers(stack: readonly StackedLayer[]): Merged {
  return atOnce(mergingLayers(stack));
}

/** Does the same in steps, so that the process can serve other work in between. */
export function* mergingLayers(stack: readonly StackedLayer[]): Steps<Merged> {
  const hiders = stack.map(({ analysis }) => hiderOf(analysis));
  const isHidden = (path: string, at: number, isFolder = false): boolean =>
    hiders.slice(at + 1).some((hides) => hides(path, isFolder));
  const all = stack.map(({ analysis }) => evidenceByPath(analysis.evidence));
  const standing = stack.flatMap(({ analysis }, at) =>
    analysis.evidence
      .filter(({ path }) => !isHidden(path, at))
      .map(
        (evidence): StandingEvidence => ({ evidence, originOf: (found) => origin(evidence.path, at, found) }),
      ),
  );
  /** The lowest layer that has the package at that path, if no layer above replaces or deletes it there. */
  const origin = (path: string, at: number, found: FoundPackage) => {
    let first = at;
    for (let below = at - 1; below >= 0; below--) {
      const evidence = all[below]?.get(path);
      if (evidence === undefined) continue;
      if (!evidence.some((each) => each.packages?.some((other) => isSame(other, found)))) break;
      if (hiders.slice(below + 1, first).some((hides) => hides(path, false))) break;
      first = below;
    }
    return stack[first]?.analysis.diffId;
  };
  const visible = <T extends { readonly path: string }>(of: (analysis: LayerAnalysis) => readonly T[]): T[] =>
    stack.flatMap(({ analysis }, at) => of(analysis).filter(({ path }) => !isHidden(path, at)));
  const links = visible(({ links }) => links);
  const hasSystem = stack.some(({ analysis }, at) =>
    filesIn(analysis).some((path) => isSystemLibrary(path) && !isHidden(path, at)),
  );
  yield;
  const inventory = yield* assembling({
    standing,
    layers: stack.map(({ analysis: { diffId }, createdBy }) => ({
      diffId,
      ...(createdBy !== undefined && { createdBy }),
    })),
    folders: packageFolders(stack, visible, isHidden),
    gaps: [...stack.flatMap(({ analysis }) => analysis.gaps), ...links.flatMap(astray)],
    hasSystem,
  });
  yield;
  return { inventory, findings: joinedFindings(stack, isHidden) };
}

/** Includes folders whose `package.json` a layer deletes. */
function packageFolders(
  stack: readonly StackedLayer[],
  visible: <T extends { readonly path: string }>(of: (analysis: LayerAnalysis) => readonly T[]) => T[],
  isHidden: (path: string, at: number) => boolean,
): PackageFolders {
  const deleted = stack.flatMap(({ analysis }) =>
    analysis.removed.flatMap((path) => {
      const own = packageFolderOf(path);
      return own?.rest === 'package.json' ? [own.folder] : [];
    }),
  );
  let places: ReadonlySet<string> | undefined;
  return {
    bare: [...new Set([...stack.flatMap(({ analysis }) => analysis.bareFolders), ...deleted])],
    links: visible(({ packageLinks }) => packageLinks),
    hasCode: (path) => {
      places ??= placesOfCode(stack, isHidden);
      return places.has(path);
    },
  };
}

/** Files of code that no layer hides, and all folders above them. */
function placesOfCode(
  stack: readonly StackedLayer[],
  isHidden: (path: string, at: number) => boolean,
): ReadonlySet<string> {
  const places = new Set<string>();
  for (const [at, { analysis }] of stack.entries()) {
    for (const path of filesIn(analysis))
      if (isCode(path) && !isHidden(path, at)) addWithFolders(places, path);
  }
  return places;
}

function evidenceByPath(evidence: readonly FileEvidence[]): ReadonlyMap<string, readonly FileEvidence[]> {
  return Map.groupBy(evidence, ({ path }) => path);
}

function isSame(a: FoundPackage, b: FoundPackage): boolean {
  return (
    a.ecosystem === b.ecosystem &&
    a.name === b.name &&
    a.version === b.version &&
    a.architecture === b.architecture
  );
}

/** The gap for a link at the path of a database whose target is not such a path. */
function astray({ path, target }: { readonly path: string; readonly target: string }): Gap[] {
  const found = linkTarget(path, target);
  if (found !== undefined && isDatabasePath(found)) return [];
  return [
    {
      path,
      reason: 'a package database or a folder above it is a link, which was not followed; make it a folder',
    },
  ];
}

/** Lists each finding once, with all its layers. Deleting a secret in a later layer does not remove it. */
function joinedFindings(
  stack: readonly StackedLayer[],
  isHidden: (path: string, at: number, isFolder: boolean) => boolean,
): Finding[] {
  const joined = new Map<string, { finding: Finding; places: Location[] }>();
  for (const [at, { analysis }] of stack.entries()) {
    const folders = new Set(analysis.folders);
    for (const finding of analysis.findings) {
      const { places, ...rest } = finding;
      const own = places
        .filter(({ path }) => finding.class !== 'misconfiguration' || !isHidden(path, at, folders.has(path)))
        .map(({ path }) => ({ path, layer: analysis.diffId }));
      if (own.length === 0) continue;
      const key = JSON.stringify([rest, own.map(({ path }) => path)]);
      const entry = joined.get(key) ?? { finding, places: [] };
      entry.places.push(...own);
      joined.set(key, entry);
    }
  }
  return [...joined.values()].map(({ finding, places }) => ({ ...finding, places }));
}
