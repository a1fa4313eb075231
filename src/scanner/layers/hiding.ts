/**
 * What a layer hides of those below it: what it deletes, what it makes opaque, and what it has itself in the same place.
 * A folder over a folder hides nothing.
 * Source: OCI image-spec v1.1, layer.md, "Whiteouts".
 */
import { filesIn, type LayerAnalysis } from './analysis.ts';

/** Whether the layer hides what lies there in those below it. */
type Hides = (path: string, isFolder: boolean) => boolean;

/** Made when it is first asked: of the lowest layer nobody asks. */
export function hiderOf(analysis: LayerAnalysis): Hides {
  let hides: Hides | undefined;
  return (path, isFolder) => {
    hides ??= madeHider(analysis);
    return hides(path, isFolder);
  };
}

/** Remembers what it said of folders: most paths share them. */
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
  // A folder is replaced by one that has an entry; a file by any.
  return (path, isFolder) => (isFolder ? given : made).has(path) || isGone(path);
}

/** All folders that it has, with those that no entry names. */
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
