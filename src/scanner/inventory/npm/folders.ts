/**
 * Finds the packages that Node.js would load from nested `node_modules`. Their `package.json` can't hide them. A folder
 * without that file, or a link to another place, is loaded, too.
 * Source: nodejs.org, "Modules: CommonJS modules", "Loading from node_modules folders".
 */
import type { Gap } from '../../types.ts';
import type { StandingEvidence } from '../types.ts';

/** A link at the folder of a package, at `node_modules` itself, or at a `package.json`, and its target. */
export interface PackageLink {
  readonly path: string;
  /** Without a leading slash. */
  readonly target: string;
}

export interface PackageFolders {
  /** Folders of packages that have code, but no `package.json` among the files read. */
  readonly bare: readonly string[];
  readonly links: readonly PackageLink[];
  /** Whether code is in that folder or at that path. */
  hasCode(path: string): boolean;
}

export const noPackageFolders: PackageFolders = { bare: [], links: [], hasCode: () => false };

/**
 * The package that a file belongs to; undefined when `require` finds none by name. Fixtures inside a package are not
 * packages.
 */
export function packageFolderOf(
  path: string,
): { readonly folder: string; readonly name: string; readonly rest: string } | undefined {
  const parts = path.split('/');
  let at = parts.indexOf('node_modules');
  while (at >= 0 && at + 1 < parts.length) {
    const first = parts[at + 1] ?? '';
    if (first === '.pnpm' && parts[at + 3] === 'node_modules') {
      at += 3;
      continue;
    }
    const end = first.startsWith('@') ? at + 2 : at + 1;
    if (first.startsWith('.') || end >= parts.length) return undefined;
    if (parts[end + 1] === 'node_modules') {
      at = end + 1;
      continue;
    }
    const name = parts.slice(at + 1, end + 1).join('/');
    return { folder: parts.slice(0, end + 1).join('/'), name, rest: parts.slice(end + 1).join('/') };
  }
  return undefined;
}

export function isCode(path: string): boolean {
  return /\.(?:[cm]?js|node)$/.test(path);
}

/** Adds a file and all folders above it. */
export function addWithFolders(places: Set<string>, path: string): void {
  let place = path;
  while (place !== '' && !places.has(place)) {
    places.add(place);
    place = place.slice(0, Math.max(0, place.lastIndexOf('/')));
  }
}

/** Undefined for other links, and for links to places where packages are searched anyway. */
export function packageLinkOf(path: string, target: string | undefined): PackageLink | undefined {
  if (target === undefined) return undefined;
  const isModules = /(?:^|\/)node_modules$/.test(path);
  const own = packageFolderOf(path);
  const isFolder = own?.rest === '' || own?.rest === 'package.json';
  if (!isModules && !isFolder) return undefined;
  if (isModules ? /(?:^|\/)node_modules$/.test(target) : packageFolderOf(target) !== undefined)
    return undefined;
  return { path, target };
}

/** Tells which `package.json` outside `node_modules` counts because a link leads there. */
export function linkedBy(links: readonly PackageLink[]): (path: string) => boolean {
  const exact = new Set(links.flatMap(({ target }) => [target, `${target}/package.json`]));
  const modules = links
    .filter(({ path }) => path.endsWith('node_modules'))
    .map(({ target }) => (target === '' ? '' : `${target}/`));
  return (path) => exact.has(path) || modules.some((start) => path.startsWith(start));
}

/** Gaps for packages that Node.js would load but that can't be identified. */
export function unknownPackages(
  { bare, links, hasCode }: PackageFolders,
  standing: readonly StandingEvidence[],
): Gap[] {
  if (bare.length + links.length === 0) return [];
  const known = new Set(standing.map(({ evidence }) => evidence.path));
  const bareGaps = bare
    .filter((folder) => !known.has(`${folder}/package.json`) && hasCode(folder))
    .map((path) => ({
      path,
      reason: "a package without a package.json can't be identified; give it one",
    }));
  const linkGaps = links
    .filter(({ path }) => !path.endsWith('node_modules'))
    .filter(({ target }) => !known.has(target) && !known.has(`${target}/package.json`) && hasCode(target))
    .map(({ path, target }) => ({
      path,
      reason: `a package that is a link to ${target}, which has no package.json; give it one`,
    }));
  const all = [...bareGaps, ...linkGaps];
  if (all.length <= mostGaps) return all;
  return [
    ...all.slice(0, mostGaps),
    { path: '', reason: `${all.length - mostGaps} more packages are unknown` },
  ];
}

const mostGaps = 200;
