/** A layer's content as a folder of the host, for programs that have to see it: laid out, and read back. */
import { lstat, mkdir, readdir, readFile, readlink, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { plainMode, type Tree } from './tree.ts';

export interface WriteOptions {
  /** Whether links that are absolute are made, too: they mean something only to a program whose root is the folder. */
  readonly absoluteLinks?: boolean;
  /** When the files are said to have been written: epoch seconds. */
  readonly epoch?: number;
}

/** Lays the tree out below `root`, over what is there. */
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

/** Adds the folder `from` of the host as `to`; `keeps` is asked about each path as it is in the tree. */
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
