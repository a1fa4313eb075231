/** Remembers folders of npm packages without a `package.json`, and links to packages elsewhere. */
import { isCode, type PackageLink, packageFolderOf, packageLinkOf } from '../inventory/npm/folders.ts';

export interface SeenFolders {
  /** Folders of packages that have code but no `package.json`. */
  readonly bareFolders: readonly string[];
  readonly packageLinks: readonly PackageLink[];
}

interface FolderWatch {
  see(path: string): void;
  /** Returns false only for the first link beyond the limit. */
  link(path: string, target: string | undefined): boolean;
  result(): SeenFolders;
}

const mostLinks = 20_000;

export function openFolderWatch(): FolderWatch {
  const told = new Set<string>();
  const withCode = new Set<string>();
  const links = new Map<string, PackageLink>();
  let isFull = false;
  return {
    see: (path) => {
      links.delete(path);
      if (!path.includes('node_modules/')) return;
      const own = packageFolderOf(path);
      if (own === undefined) return;
      if (own.rest === 'package.json') told.add(own.folder);
      else if (!told.has(own.folder) && isCode(path)) withCode.add(own.folder);
    },
    link: (path, target) => {
      const link = packageLinkOf(path, target);
      if (link === undefined || links.has(path)) return true;
      if (links.size < mostLinks) {
        links.set(path, link);
        return true;
      }
      const isFirst = !isFull;
      isFull = true;
      return !isFirst;
    },
    result: () => ({
      bareFolders: [...withCode].filter((folder) => !told.has(folder)).sort(),
      packageLinks: [...links.values()],
    }),
  };
}
