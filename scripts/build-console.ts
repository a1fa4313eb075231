/**
 * Builds the console for browsers: `node scripts/build-console.ts FOLDER`. Bundles `src/dashboard/web/`, and compresses
 * each file beside it. Reads nothing from the network. The folder is complete or not there.
 */
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';
import { build } from 'vite';

const web = join(import.meta.dirname, '../src/dashboard/web');

export async function buildConsole(place: string): Promise<void> {
  const folder = resolve(place);
  const draft = `${folder}.${process.pid}`;
  await mkdir(dirname(folder), { recursive: true });
  try {
    await build({
      configFile: false,
      root: web,
      // References are relative, since a proxy can have the console below a prefix.
      base: './',
      logLevel: 'warn',
      publicDir: false,
      cacheDir: `${draft}/vite`,
      oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
      build: {
        outDir: `${draft}/console`,
        emptyOutDir: true,
        target: 'es2023',
        // The policy of the page allows no image that is inlined into a style, and no script in the page itself.
        assetsInlineLimit: 0,
        modulePreload: { polyfill: false },
        reportCompressedSize: false,
      },
    });
    await compressAll(`${draft}/console`);
    await rm(folder, { recursive: true, force: true });
    await rename(`${draft}/console`, folder);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

async function compressAll(folder: string): Promise<void> {
  const zip = promisify(gzip);
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    await writeFile(`${path}.gz`, await zip(await readFile(path), { level: constants.Z_BEST_COMPRESSION }));
  }
}

if (import.meta.main) {
  const [folder] = process.argv.slice(2);
  if (folder === undefined) {
    process.stderr.write('usage: node scripts/build-console.ts FOLDER\n');
    process.exitCode = 2;
  } else await buildConsole(folder);
}
