/** Derives the content of a layer's folder from its tar, by the rules of `unpack/tar.ts`. */
import { createHash, type Hash } from 'node:crypto';
import type { LayerLimits } from '../layer/layer-limits.ts';
import { LayerPaths } from '../layer/layer-paths.ts';
import type { TarEntry } from '../layer/tar-entry.ts';
import { TarReader } from '../layer/tar-reader.ts';

export type Expected =
  | { readonly kind: 'folder' }
  | { readonly kind: 'file'; readonly mode: number; readonly size: number; readonly sha256: string }
  | { readonly kind: 'link'; readonly target: string }
  /** Something in the layers below that the layer deletes. */
  | { readonly kind: 'deletion' };

/** Longer files are digested piece by piece. */
const longestWhole = 1024 * 1024;
const folder: Expected = { kind: 'folder' };

/**
 * Returns entries by path, without the root. A layer that was unpacked before has no refused entry.
 * @throws Fault ARCHIVE_TOO_LARGE, ARCHIVE_INVALID; errors of `source`
 */
export async function expectedOf(
  source: AsyncIterable<Buffer>,
  limits: LayerLimits,
): Promise<ReadonlyMap<string, Expected>> {
  const paths = new LayerPaths(limits);
  const expected = new Map<string, Expected>();
  let passing: Hash | undefined;
  const reader = new TarReader({ ...limits, longestWhole }, (_entry, piece) => {
    passing ??= createHash('sha256');
    passing.update(piece);
  });
  const sha256Of = (content: Buffer | undefined): string => {
    const hash = passing ?? createHash('sha256');
    passing = undefined;
    return (content === undefined ? hash : hash.update(content)).digest('hex');
  };
  const take = (entry: TarEntry, content: Buffer | undefined): void => {
    const placed = paths.place(entry);
    const { kind, path } = placed;
    if (kind === 'folder' && path !== '') expected.set(path, folder);
    if (kind === 'symlink') expected.set(path, { kind: 'link', target: placed.target.toString('utf8') });
    if (kind === 'hardlink') expected.set(path, expected.get(placed.original) ?? folder);
    if (kind !== 'file') return;
    const mode = entry.mode & 0o100 ? 0o755 : 0o644;
    expected.set(path, { kind: 'file', mode, size: entry.sizeBytes, sha256: sha256Of(content) });
  };
  for await (const bytes of source) {
    reader.push(bytes);
    for (let read = reader.next(); read !== undefined; read = reader.next()) take(read.entry, read.content);
  }
  reader.end();
  for (const path of paths.opaque()) expected.set(path, folder);
  for (const path of paths.removed()) {
    if (paths.hasFolder(path)) expected.set(path, folder);
    else if (!paths.hasFile(path)) expected.set(path, { kind: 'deletion' });
  }
  for (const path of [...expected.keys()]) addParents(path, expected);
  return expected;
}

/** Adds folders without an entry. */
function addParents(path: string, expected: Map<string, Expected>): void {
  for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
    const parent = path.slice(0, end);
    if (expected.has(parent)) return;
    expected.set(parent, folder);
  }
}
