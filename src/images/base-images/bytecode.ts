/**
 * Compiles Python's bytecode at build time, with the interpreter of the image: a read-only root can't keep a cache, and
 * compiling at each start costs tens of milliseconds. `unchecked-hash` files hold no time stamp, and a fixed hash seed
 * fixes the order of sets in them, so the same inputs give the same bytes.
 */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { mustRun } from '../../lib/index.ts';
import type { LayerRecipe } from './recipe.ts';
import type { Architecture } from './target.ts';
import type { Tree } from './tree.ts';
import { writeTree } from './tree-folder.ts';

/** Adds `__pycache__` folders to `tree`; `below` has the layers below, which hold the C library. */
export async function addBytecode(
  tree: Tree,
  below: Tree,
  recipe: NonNullable<LayerRecipe['bytecode']>,
  target: Architecture,
  cacheDir: string,
): Promise<void> {
  const root = await mkdtemp(join(cacheDir, '.tmp-python-'));
  try {
    // Absolute links would point outside of the folder, and the interpreter needs none of them.
    for (const layer of [below, tree]) await writeTree(root, layer, { absoluteLinks: false });
    const loader = join(root, target.loader);
    const libraries = join(root, 'usr/lib', target.triple);
    await mustRun(
      [
        ...[loader, '--library-path', libraries, join(root, recipe.python)],
        // Without -B, Python would cache the compiler's own imports first, with time stamps and this folder's name.
        ...['-B', '-s', '-S', '-m', 'compileall', '-q', '--invalidation-mode', 'unchecked-hash'],
        ...['-s', root, '-p', '/', join(root, recipe.folder)],
      ],
      { env: { PYTHONHOME: join(root, 'usr'), PYTHONHASHSEED: '0', LC_ALL: 'C.UTF-8' }, timeoutMs: 300_000 },
    );
    const folder = join(root, recipe.folder);
    for (const found of await readdir(folder, { recursive: true, withFileTypes: true })) {
      if (!found.isFile() || !found.name.endsWith('.pyc')) continue;
      const file = join(found.parentPath, found.name);
      tree.add(relative(root, file), { type: 'file', mode: 0o644, bytes: await readFile(file) });
    }
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}
