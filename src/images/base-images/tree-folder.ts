/** Writes a layer's content to a folder of the host, for programs that need it there, and reads it back. */
import { lstat, mkdir, readdir, readFile, readlink, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { plainMode, type Tree } from './tree.ts';

export interface WriteOptions {
  /** Also writes absolute links: they work only for a program whose root is the folder. */
  readonly absoluteLinks?: boolean;
  /** The date of the files, in epoch seconds. */
  readonly epoch?: number;
}

/** Writes the tree below `root`, over existing files. */
export async function writeTree(root: string, tree: Tree, options: WriteOptions = {}): Promise<void> {
  const { absoluteLinks = true, epoch } = options;
  for (const [path, entry] of tree.entries) {
    const file = join(root, path);
    await mkdir(entry.type === 'folder' ? file : dirname(file), { recursive: true });
    if (entry.type === 'file') {
      await writeFile(file, entry.bytes, { mode: entry.mode });
      if (epoch !== undefined) await utimes(file, epoch, epoch);
    } else if (entry.type === 'link' && (absoluteLinks || !entry.target.startsWith('/'))) {
      await rm(file, { force: true });
      await symlink(entry.target, file);
    }
  }
}

/** Adds the folder `from` of the host as `to`; calls `keeps` with each path in the tree. */
export async function readTree(
  tree: Tree,
  from: string,
  to: string,
  keeps: (path: string) => boolean,
): Promise<void> {
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, path] = [join(from, entry.name), `${to}/${entry.name}`];
    if (!keeps(path)) continue;
    if (entry.isDirectory()) await readTree(tree, source, path, keeps);
    else if (entry.isSymbolicLink()) tree.add(path, { type: 'link', target: await readlink(source) });
    else
      tree.add(path, {
        type: 'file',
        mode: plainMode((await lstat(source)).mode),
        bytes: await readFile(source),
      });
  }
}
