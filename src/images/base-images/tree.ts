/**
 * A layer's content in memory, before it is packed. Paths are relative and normal; the merged-/usr names (`bin/x`,
 * `lib/x` …) are stored below `usr/`, so that packages never disagree on the place of a file. Without owners, times,
 * devices and special mode bits, so that packed layers have none.
 */
export type TreeEntry =
  | { readonly type: 'folder'; readonly mode: number }
  | { readonly type: 'file'; readonly mode: number; readonly bytes: Buffer }
  | { readonly type: 'link'; readonly target: string };

export interface Tree {
  readonly entries: ReadonlyMap<string, TreeEntry>;
  add(path: string, entry: TreeEntry): void;
}

const merged = /^(?:bin|sbin|lib|lib32|lib64|libx32)(?=\/)/;

export function newTree(): Tree {
  const entries = new Map<string, TreeEntry>();
  const add = (path: string, entry: TreeEntry): void => {
    const parent = path.slice(0, Math.max(0, path.lastIndexOf('/')));
    if (parent !== '' && !entries.has(parent)) add(parent, { type: 'folder', mode: 0o755 });
    entries.set(path, entry);
  };
  return { entries, add };
}

/** `./lib/x` → `usr/lib/x`: a package's name for a file → its name in the tree. */
export function treePath(name: string): string {
  return name
    .replace(/^(?:\.?\/)+/, '')
    .replace(/\/+$/, '')
    .replace(merged, 'usr/$&');
}

/**
 * Reduces a mode to that of a program or a plain file: readable by all users, writable only by the owner, no special
 * bits.
 */
export function plainMode(mode: number): number {
  return mode & 0o100 ? 0o755 : 0o644;
}

/** Tells whether `path` is one of `patterns`, or below one that ends in `/`. */
export function matchesPath(path: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) =>
    pattern.endsWith('/') ? `${path}/`.startsWith(pattern) : path === pattern,
  );
}
