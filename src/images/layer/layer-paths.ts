/**
 * Tells what each entry of a layer does when the layer is unpacked, in order. The scanner and the unpacker both use
 * it, so that they can't differ. An entry that two programs would unpack in different ways (below a link, over a
 * folder, by a hard link to a file that comes later) has a problem. Source: OCI image-spec v1.1, layer.md,
 * "Whiteouts".
 */
import { isUtf8 } from 'node:buffer';
import { imageFault } from '../faults.ts';
import { entryPath, showPath } from './entry-path.ts';
import type { LayerLimits } from './layer-limits.ts';
import type { TarEntry } from './tar-entry.ts';

/** Paths have no leading slash; the root's is empty. A problem means that programs would disagree on the entry. */
export type Placed = { readonly problem: string | undefined } & (
  | { readonly kind: 'folder' | 'file' | 'special'; readonly path: string }
  /** A node that every Linux root file system has in `/dev`. It is not unpacked: the runtime mounts its own `/dev`. */
  | { readonly kind: 'node'; readonly path: string }
  | { readonly kind: 'symlink'; readonly path: string; readonly target: Buffer }
  /** `original` is empty when the target is invalid. */
  | { readonly kind: 'hardlink'; readonly path: string; readonly original: string }
  /** Unpacks nothing: deletes something in the layers below, or has no effect. */
  | { readonly kind: 'whiteout'; readonly path: string }
  /** It has no valid name. */
  | { readonly kind: 'nameless'; readonly path: ''; readonly problem: string }
);

const whiteoutPrefix = '.wh.';
const opaqueName = '.wh..wh..opq';
/** The nodes that debootstrap and others make, by path. Source: Linux, Documentation/admin-guide/devices.txt. */
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
/** PATH_MAX of Linux, with its NUL; Linux can't follow a longer target. */
const maxTargetBytes = 4095;

export class LayerPaths {
  readonly #files = new Map<string, 'regular' | 'other'>();
  readonly #folders = new Set<string>();
  /** Includes folders without an entry: names imply them. */
  readonly #allFolders = new Set<string>(['']);
  readonly #maxFolders: number;
  readonly #nodes = new Set<string>();
  /** Files that a hard link also names. */
  readonly #linked = new Set<string>();
  readonly #removed = new Set<string>();
  readonly #opaque = new Set<string>();

  constructor({ maxEntries }: Pick<LayerLimits, 'maxEntries'>) {
    this.#maxFolders = maxEntries;
  }

  /** Places the next entry. @throws Fault ARCHIVE_TOO_LARGE when the names imply too many folders */
  place(entry: TarEntry): Placed {
    const { path, problem } = entryPath(entry.name);
    if (path === undefined) {
      return { kind: 'nameless', path: '', problem: `${showPath(entry.name.toString('utf8'))} ${problem}` };
    }
    const base = path.slice(path.lastIndexOf('/') + 1);
    if (base.startsWith(whiteoutPrefix))
      return { kind: 'whiteout', path, problem: this.#addWhiteout(parentOf(path), base) };
    if (entry.type === 'folder') {
      return { kind: 'folder', path, problem: path === '' ? undefined : this.#addFolder(path) };
    }
    if (path === '') return { kind: 'special', path, problem: `is the root, but a ${entry.type}` };
    return this.#placeFile(path, entry);
  }

  hasFile(path: string): boolean {
    return this.#files.has(path);
  }

  /** Also true for a folder without an entry. */
  hasFolder(path: string): boolean {
    return this.#allFolders.has(path);
  }

  /** Files, links and everything else that is not a folder, in no order. */
  files(): Iterable<string> {
    return this.#files.keys();
  }

  /** Folders that have an entry of their own. */
  folders(): Iterable<string> {
    return this.#folders;
  }

  /** Paths that the layer deletes from the layers below. */
  removed(): Iterable<string> {
    return this.#removed;
  }

  /** Folders that hide all their content in the layers below. */
  opaque(): Iterable<string> {
    return this.#opaque;
  }

  #placeFile(path: string, entry: TarEntry): Placed {
    switch (entry.type) {
      case 'file':
        return { kind: 'file', path, problem: this.#addFile(path, 'regular') };
      case 'symlink': {
        const target = entry.linkName;
        const added = this.#addFile(path, 'other');
        return { kind: 'symlink', path, target, problem: added ?? problemOfTarget(target) };
      }
      case 'hardlink': {
        const { path: original } = entryPath(entry.linkName);
        return {
          kind: 'hardlink',
          path,
          original: original ?? '',
          problem: this.#addHardLink(path, original),
        };
      }
      case 'device':
        if (entry.device !== undefined && usualNodes.get(path) === entry.device)
          return { kind: 'node', path, problem: this.#addNode(path) };
        return { kind: 'special', path, problem: this.#addFile(path, 'other') ?? 'is a device' };
      default:
        return { kind: 'special', path, problem: this.#addFile(path, 'other') ?? `is a ${entry.type}` };
    }
  }

  #addFile(path: string, kind: 'regular' | 'other'): string | undefined {
    const problem = this.#allFolders.has(path) ? 'replaces a folder' : this.#replace(path);
    this.#files.set(path, kind);
    return problem ?? this.#climb(parentOf(path));
  }

  #addFolder(path: string): string | undefined {
    const problem = this.#replace(path);
    this.#files.delete(path);
    this.#folders.add(path);
    return problem ?? this.#climb(path);
  }

  #addNode(path: string): string | undefined {
    const isTaken = this.#files.has(path) || this.#allFolders.has(path);
    this.#nodes.add(path);
    return isTaken ? 'is a device that replaces another entry' : this.#climb(parentOf(path));
  }

  #addHardLink(path: string, original: string | undefined): string | undefined {
    const problem = this.#problemOfLink(path, original);
    const added = this.#addFile(path, 'regular');
    if (original !== undefined) this.#linked.add(original);
    return problem ?? added;
  }

  #problemOfLink(path: string, original: string | undefined): string | undefined {
    if (original === undefined) return 'is a hard link that leads out of the layer';
    if (original === path) return 'is a hard link to itself';
    if (!this.#files.has(original)) return 'is a hard link to a file that is not in the layer';
    return this.#files.get(original) === 'regular'
      ? undefined
      : 'is a hard link to something that is not a file';
  }

  #addWhiteout(folder: string, base: string): string | undefined {
    const problem = this.#climb(folder);
    if (base === opaqueName) {
      this.#opaque.add(folder);
      // overlayfs can't do that.
      return folder === '' ? 'hides all layers below' : problem;
    }
    // aufs, where whiteouts come from, keeps records under such names; they delete nothing.
    if (base.startsWith(`${whiteoutPrefix}${whiteoutPrefix}`)) return problem;
    const name = base.slice(whiteoutPrefix.length);
    if (['', '.', '..'].includes(name)) return 'deletes an entry without a name';
    this.#removed.add(folder === '' ? name : `${folder}/${name}`);
    return problem;
  }

  /** Why an entry must not replace what has this path; undefined when it may. */
  #replace(path: string): string | undefined {
    if (this.#nodes.has(path)) return 'replaces a device';
    return this.#linked.has(path) ? 'replaces a file that has a second name' : undefined;
  }

  /** Creates the folder and its parents. Returns the problem, if any. */
  #climb(folder: string): string | undefined {
    if (this.#allFolders.has(folder)) return undefined;
    if (this.#files.has(folder) || this.#nodes.has(folder)) return 'is below something that is not a folder';
    const problem = this.#climb(parentOf(folder));
    // The root is one of them, and no entry needs it.
    if (this.#allFolders.size > this.#maxFolders) throw tooManyFolders(this.#maxFolders);
    this.#allFolders.add(folder);
    return problem;
  }
}

function tooManyFolders(most: number): Error {
  return imageFault('ARCHIVE_TOO_LARGE', `the layer is too large: it has more than ${most} folders`);
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
