/**
 * Which paths a layer has, and what it does to those below it. What two unpackers would lay in two ways (below a link,
 * over a folder) is told as a problem.
 * Source: OCI image-spec v1.1, layer.md, "Whiteouts".
 */
import { isDatabasePath } from '../inventory/databases.ts';
import type { LayerAnalysis, Link } from './analysis.ts';

export interface LayerTree {
  /** A file, link or other thing that is no folder. Returns what is wrong with it. */
  addFile(path: string): string | undefined;
  /** Returns what is wrong with it. */
  addFolder(path: string): string | undefined;
  addLink(path: string, target: string): void;
  hasFile(path: string): boolean;
  /** Whether the path is one, of which the layer's author wants nothing to be laid. */
  isWhiteout(base: string): boolean;
  /** Returns what is wrong with it. */
  addWhiteout(folder: string, base: string): string | undefined;
  result(): Pick<LayerAnalysis, 'files' | 'folders' | 'links' | 'removed' | 'opaque'>;
}

const prefix = '.wh.';
const opaqueName = '.wh..wh..opq';

export function openLayerTree(): LayerTree {
  const files = new Set<string>();
  const folders = new Set<string>();
  /** With those that no entry names. */
  const parents = new Set<string>(['']);
  const links: Link[] = [];
  const removed = new Set<string>();
  const opaque = new Set<string>();

  /** What of the folders above it is none. */
  const climb = (path: string): string | undefined => {
    const end = path.lastIndexOf('/');
    const parent = end < 0 ? '' : path.slice(0, end);
    if (parents.has(parent)) return undefined;
    if (files.has(parent)) return 'lies below what is no folder';
    const problem = climb(parent);
    parents.add(parent);
    return problem;
  };
  return {
    addFile: (path) => {
      files.add(path);
      if (parents.has(path)) return 'takes the place of a folder';
      return climb(path);
    },
    addFolder: (path) => {
      files.delete(path);
      folders.add(path);
      const problem = climb(path);
      parents.add(path);
      return problem;
    },
    addLink: (path, target) => {
      if (isDatabasePath(path)) links.push({ path, target });
    },
    hasFile: (path) => files.has(path),
    isWhiteout: (base) => base.startsWith(prefix),
    addWhiteout: (folder, base) => {
      const inFolder = folder === '' ? '' : `${folder}/`;
      if (base === opaqueName) opaque.add(folder);
      // The books of aufs, which wrote them so first; they name nothing.
      else if (base.startsWith(`${prefix}${prefix}`)) return undefined;
      else {
        const name = base.slice(prefix.length);
        if (['', '.', '..'].includes(name)) return 'deletes what has no name';
        removed.add(inFolder + name);
      }
      return undefined;
    },
    result: () => ({
      files: [...files].sort().join('\n'),
      folders: [...folders].sort(),
      links: links.filter(({ path }) => files.has(path)),
      removed: [...removed].sort(),
      opaque: [...opaque].sort(),
    }),
  };
}
