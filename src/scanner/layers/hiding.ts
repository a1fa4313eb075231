/**
 * Decides what a layer hides of those below it: paths that it deletes, content of folders that it makes opaque, and paths
 * that it has itself. A folder over a folder hides nothing.
 * Source: OCI image-spec v1.1, layer.md, "Whiteouts".
 */
import { filesIn, type LayerAnalysis } from './analysis.ts';

/** Whether the layer hides that path in the layers below it. */
type Hides = (path: string, isFolder: boolean) => boolean;

/** Prepares the answers at the first call. The lowest layer is never asked. */
export function hiderOf(analysis: LayerAnalysis): Hides {
  let hides: Hides | undefined;
  return (path, isFolder) => {
    hides ??= madeHider(analysis);
    return hides(path, isFolder);
  };
}

/** Caches the answers for folders, which most paths share. */
function madeHider(analysis: LayerAnalysis): Hides {
  const { folders, removed, opaque } = analysis;
  const files = filesIn(analysis);
  const taken = new Set(files);
  const emptied = new Set(opaque);
  const deleted = new Set(removed);
  const made = parentsOf([...files, ...removed], [...folders, ...opaque]);
  const known = new Map<string, boolean>();
  const isGone = (path: string): boolean => {
    const before = known.get(path);
    if (before !== undefined) return before;
    const end = path.lastIndexOf('/');
    const parent = end < 0 ? '' : path.slice(0, end);
    const gone =
      taken.has(path) || deleted.has(path) || (path !== '' && (emptied.has(parent) || isGone(parent)));
    known.set(path, gone);
    return gone;
  };
  const given = new Set(folders);
  // Only a folder with an entry of its own replaces a folder. Any folder replaces a file.
  return (path, isFolder) => (isFolder ? given : made).has(path) || isGone(path);
}

/** All folders of the layer, including those without an entry of their own. */
function parentsOf(files: readonly string[], folders: readonly string[]): ReadonlySet<string> {
  const made = new Set<string>(folders);
  for (const path of [...files, ...folders]) {
    for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
      const parent = path.slice(0, end);
      if (made.has(parent)) break;
      made.add(parent);
    }
  }
  return made;
}
