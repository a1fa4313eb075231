/**
 * What each entry of a layer does where the layer is laid, entry after entry: asked by who scans a layer and by who lays
 * it, so that the two can't differ. What two programs would lay in two ways (below a link, over a folder, by a hard link to
 * what is not there yet) has a problem.
 * Source: OCI image-spec v1.1, layer.md, "Whiteouts".
 */
import { isUtf8 } from 'node:buffer';
import { entryPath, showPath } from './entry-path.ts';
import type { TarEntry } from './tar-entry.ts';

/** Paths have no leading slash; the root's is empty. With a problem, no two programs would agree on it. */
export type Placed = { readonly problem: string | undefined } & (
  | { readonly kind: 'folder' | 'file' | 'special'; readonly path: string }
  /** A node that every root file system of Linux has in `/dev`. Not unpacked: the runtime mounts a `/dev` of its own. */
  | { readonly kind: 'node'; readonly path: string }
  | { readonly kind: 'symlink'; readonly path: string; readonly target: Buffer }
  /** `original` is empty when it leads nowhere. */
  | { readonly kind: 'hardlink'; readonly path: string; readonly original: string }
  /** Nothing is laid; what layers below have is deleted, or nothing at all is meant. */
  | { readonly kind: 'whiteout'; readonly path: string }
  /** Its name is none. */
  | { readonly kind: 'nameless'; readonly path: ''; readonly problem: string }
);

export interface LayerPaths {
  /** The next entry. */
  place(entry: TarEntry): Placed;
  hasFile(path: string): boolean;
  /** Also one that no entry names. */
  hasFolder(path: string): boolean;
  /** Files, links and all else that is not a folder; no order. */
  files(): Iterable<string>;
  /** Folders that have an entry of their own. */
  folders(): Iterable<string>;
  /** What is deleted of the layers below. */
  removed(): Iterable<string>;
  /** Folders of which all that the layers below have in them is hidden. */
  opaque(): Iterable<string>;
}

const whiteoutPrefix = '.wh.';
const opaqueName = '.wh..wh..opq';
/** Those that debootstrap and others make, by path. Source: Linux, Documentation/admin-guide/devices.txt. */
const usualNodes: ReadonlyMap<string, string> = new Map([
  ['dev/console', '5:1'],
  ['dev/full', '1:7'],
  ['dev/null', '1:3'],
  ['dev/ptmx', '5:2'],
  ['dev/random', '1:8'],
  ['dev/tty', '5:0'],
  ['dev/urandom', '1:9'],
  ['dev/zero', '1:5'],
]);
/** PATH_MAX of Linux, with its NUL; a longer target could never be followed. */
const maxTargetBytes = 4095;

export function openLayerPaths(): LayerPaths {
  const files = new Map<string, 'regular' | 'other'>();
  const folders = new Set<string>();
  /** With those that no entry names. */
  const allFolders = new Set<string>(['']);
  const nodes = new Set<string>();
  /** Files that have a further name. */
  const linked = new Set<string>();
  const removed = new Set<string>();
  const opaque = new Set<string>();

  /** Makes the folder with those above it. Returns what is wrong with that. */
  const climb = (folder: string): string | undefined => {
    if (allFolders.has(folder)) return undefined;
    if (files.has(folder) || nodes.has(folder)) return 'is below something that is not a folder';
    const problem = climb(parentOf(folder));
    allFolders.add(folder);
    return problem;
  };
  const replace = (path: string): string | undefined => {
    if (nodes.has(path)) return 'replaces a device';
    return linked.has(path) ? 'replaces a file that has a second name' : undefined;
  };
  const addFile = (path: string, kind: 'regular' | 'other'): string | undefined => {
    const problem = allFolders.has(path) ? 'replaces a folder' : replace(path);
    files.set(path, kind);
    return problem ?? climb(parentOf(path));
  };
  const addFolder = (path: string): string | undefined => {
    const problem = replace(path);
    files.delete(path);
    folders.add(path);
    return problem ?? climb(path);
  };
  const addNode = (path: string): string | undefined => {
    const isTaken = files.has(path) || allFolders.has(path);
    nodes.add(path);
    return isTaken ? 'is a device that replaces another entry' : climb(parentOf(path));
  };
  const addHardLink = (path: string, original: string | undefined): string | undefined => {
    const problem = problemOfLink(path, original);
    const added = addFile(path, 'regular');
    if (original !== undefined) linked.add(original);
    return problem ?? added;
  };
  const problemOfLink = (path: string, original: string | undefined): string | undefined => {
    if (original === undefined) return 'is a hard link that leads out of the layer';
    if (original === path) return 'is a hard link to itself';
    if (!files.has(original)) return 'is a hard link to a file that is not in the layer';
    return files.get(original) === 'regular' ? undefined : 'is a hard link to something that is not a file';
  };
  const addWhiteout = (folder: string, base: string): string | undefined => {
    const problem = climb(folder);
    if (base === opaqueName) {
      opaque.add(folder);
      // overlayfs does not know of such a thing.
      return folder === '' ? 'hides all layers below' : problem;
    }
    // The books of aufs, which wrote them so first; they name nothing.
    if (base.startsWith(`${whiteoutPrefix}${whiteoutPrefix}`)) return problem;
    const name = base.slice(whiteoutPrefix.length);
    if (['', '.', '..'].includes(name)) return 'deletes an entry without a name';
    removed.add(folder === '' ? name : `${folder}/${name}`);
    return problem;
  };

  return {
    place: (entry) => {
      const { path, problem } = entryPath(entry.name);
      if (path === undefined) {
        return { kind: 'nameless', path: '', problem: `${showPath(entry.name.toString('utf8'))} ${problem}` };
      }
      const base = path.slice(path.lastIndexOf('/') + 1);
      if (base.startsWith(whiteoutPrefix))
        return { kind: 'whiteout', path, problem: addWhiteout(parentOf(path), base) };
      if (entry.type === 'folder') {
        return { kind: 'folder', path, problem: path === '' ? undefined : addFolder(path) };
      }
      if (path === '') return { kind: 'special', path, problem: `is the root, but a ${entry.type}` };
      switch (entry.type) {
        case 'file':
          return { kind: 'file', path, problem: addFile(path, 'regular') };
        case 'symlink': {
          const target = entry.linkName;
          const added = addFile(path, 'other');
          return { kind: 'symlink', path, target, problem: added ?? problemOfTarget(target) };
        }
        case 'hardlink': {
          const { path: original } = entryPath(entry.linkName);
          return { kind: 'hardlink', path, original: original ?? '', problem: addHardLink(path, original) };
        }
        case 'device':
          if (entry.device !== undefined && usualNodes.get(path) === entry.device)
            return { kind: 'node', path, problem: addNode(path) };
          return { kind: 'special', path, problem: addFile(path, 'other') ?? 'is a device' };
        default:
          return { kind: 'special', path, problem: addFile(path, 'other') ?? `is a ${entry.type}` };
      }
    },
    hasFile: (path) => files.has(path),
    hasFolder: (path) => allFolders.has(path),
    files: () => files.keys(),
    folders: () => folders,
    removed: () => removed,
    opaque: () => opaque,
  };
}

function problemOfTarget(target: Buffer): string | undefined {
  if (!isUtf8(target)) return 'is a link to a name that is not UTF-8';
  const isFine = target.length > 0 && target.length <= maxTargetBytes && !target.includes(0);
  return isFine ? undefined : 'is a link with an invalid target';
}

function parentOf(path: string): string {
  const end = path.lastIndexOf('/');
  return end < 0 ? '' : path.slice(0, end);
}
