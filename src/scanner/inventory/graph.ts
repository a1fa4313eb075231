/**
 * Finds the dependencies between components. npm packages are found by folders as in Node.js, others by name; among several
 * versions, the one installed in the same place counts. Unresolved needs are left out, and the component is marked.
 */
import type { Steps } from '../turns.ts';
import type { Component } from '../types.ts';
import { packageFolderOf } from './npm/folders.ts';
import { folderOf } from './text.ts';
import type { FoundPackage } from './types.ts';

/** Dependencies, sorted and without duplicates. */
type Dependencies = Pick<Component, 'needsMore'> & { readonly dependsOn: readonly string[] };

interface GraphBuilder {
  /** @param path of the file that proves the package */
  add(found: FoundPackage, purl: string, path: string): void;
  /** Dependencies by package URL, for packages with known needs. */
  result(): Steps<ReadonlyMap<string, Dependencies>>;
}

interface Candidate {
  readonly purl: string;
  readonly version: string;
  readonly architecture: string | undefined;
  /** The folder in which packages of its kind are installed side by side. */
  readonly folder: string;
}

interface Asker extends Candidate {
  readonly found: FoundPackage;
  readonly path: string;
}

interface GraphLimits {
  /** The limit for all package URLs in dependencies. */
  readonly bytes: number;
  readonly needs: number;
}

/** Real images have a tenth of this. */
const graphLimits: GraphLimits = { bytes: 3 * 1024 * 1024, needs: 60_000 };
/** The limit for packages of one name. With more, the result would be ambiguous anyway. */
const mostCandidates = 50;

export function openGraph(limits = graphLimits): GraphBuilder {
  const byName = new Map<string, Candidate[]>();
  const modules = new Map<string, Map<string, string>>();
  const askers: Asker[] = [];
  return {
    add: (found, purl, path) => {
      const { version, architecture } = found;
      const candidate = { purl, version, architecture, folder: sharedFolder(found, path) };
      const others = entryOf(byName, keyOf(found, found.name), () => []);
      if (others.length < mostCandidates) others.push(candidate);
      const own = isInFolder(found) ? packageFolderOf(path) : undefined;
      if (own?.rest === 'package.json') {
        const parent = own.folder.slice(0, -`node_modules/${own.name}`.length);
        entryOf(modules, parent, () => new Map()).set(own.name, purl);
      }
      if (found.needs !== undefined) askers.push({ ...candidate, found, path });
    },
    *result() {
      const all = new Map<string, { readonly purls: Set<string>; needsMore: boolean }>();
      let { bytes, needs } = limits;
      for (const asker of askers) {
        yield;
        const entry = entryOf(all, asker.purl, () => ({ purls: new Set(), needsMore: false }));
        entry.needsMore ||= asker.found.needsMore === true;
        const meet = openMeeting(asker, byName, modules);
        for (const need of asker.found.needs ?? []) {
          const purl = needs-- > 0 ? meet(need) : undefined;
          if (purl === undefined) entry.needsMore ||= needs < 0 || !need.startsWith('?');
          else if (purl !== asker.purl && !entry.purls.has(purl)) {
            bytes -= purl.length;
            if (bytes < 0) entry.needsMore = true;
            else entry.purls.add(purl);
          }
        }
      }
      const found = new Map<string, Dependencies>();
      for (const [purl, { purls, needsMore }] of all) {
        yield;
        found.set(purl, { dependsOn: [...purls].sort(), ...(needsMore && { needsMore: true as const }) });
      }
      return found;
    },
  };
}

/** Finds the package that meets a need of `asker`; undefined when none does, or several could. */
function openMeeting(
  asker: Asker,
  byName: ReadonlyMap<string, readonly Candidate[]>,
  modules: ReadonlyMap<string, ReadonlyMap<string, string>>,
): (need: string) => string | undefined {
  const { found, path } = asker;
  // pnpm uses links, whose targets are not known here.
  const isByFolder = isInFolder(found) && !path.includes('/.pnpm/');
  const above = isByFolder ? [...modulesAbove(path, modules)] : [];
  const meet = (choice: string): string | undefined => {
    const space = choice.indexOf(' ');
    const name = space < 0 ? choice : choice.slice(0, space);
    const version = space < 0 ? undefined : choice.slice(space + 1);
    return isByFolder && version === undefined
      ? above.find((each) => each.has(name))?.get(name)
      : chosen(byName.get(keyOf(found, name)) ?? [], version, asker);
  };
  return (need) => {
    const choices = need.startsWith('?') ? need.slice(1) : need;
    if (!choices.includes('|')) return meet(choices);
    for (const choice of choices.split('|')) {
      const purl = meet(choice);
      if (purl !== undefined) return purl;
    }
    return undefined;
  };
}

/** Searches like Node.js: from the package's own folder upwards. */
function* modulesAbove(
  path: string,
  modules: ReadonlyMap<string, ReadonlyMap<string, string>>,
): Generator<ReadonlyMap<string, string>> {
  for (let folder = folderOf(path); ; folder = folderOf(folder.slice(0, -1))) {
    const found = modules.get(folder);
    if (found !== undefined) yield found;
    if (folder === '') return;
  }
}

/** Undefined when the choice is ambiguous. */
function chosen(
  candidates: readonly Candidate[],
  version: string | undefined,
  asker: Candidate,
): string | undefined {
  if (candidates.length < 2 && version === undefined) return candidates[0]?.purl;
  const fitting =
    version === undefined ? candidates : candidates.filter((candidate) => candidate.version === version);
  const isNear = ({ folder, architecture }: Candidate): boolean =>
    folder === asker.folder && architecture === asker.architecture;
  return (
    only(fitting) ??
    only(fitting.filter(isNear)) ??
    only(fitting.filter(({ folder }) => folder === asker.folder))
  );
}

function only(candidates: readonly Candidate[]): string | undefined {
  const [first] = candidates;
  return candidates.every(({ purl }) => purl === first?.purl) ? first?.purl : undefined;
}

/** Packages in an archive have no folders to search. */
function isInFolder({ ecosystem, within }: FoundPackage): boolean {
  return ecosystem === 'npm' && within === undefined;
}

function sharedFolder({ ecosystem, within = '' }: FoundPackage, path: string): string {
  const folder = folderOf(within === '' ? path : `${path}!/${within}`);
  // `…/site-packages/NAME.dist-info/METADATA`
  return ecosystem === 'pypi' ? folder.replace(/[^/]*\.(?:dist|egg)-info\/$/, '') : folder;
}

function keyOf({ ecosystem }: FoundPackage, name: string): string {
  const spelt = ecosystem === 'pypi' ? name.toLowerCase().replaceAll(/[-_.]+/g, '-') : name;
  return `${ecosystem}\0${spelt}`;
}

function entryOf<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}
