/**
 * Takes files from an npm package. The machine's own npm fetches it (with its registry, proxy and cache); Ward always
 * checks it against the integrity that the recipe pins.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { createGunzip } from 'node:zlib';
import { readRegularFile } from '../../blobs/index.ts';
import { mustRun } from '../../lib/index.ts';
import { imageFault } from '../faults.ts';
import { tarEntries } from './deb.ts';
import type { NpmModule, NpmSource } from './recipe.ts';
import { plainMode, type Tree } from './tree.ts';

const maxPackageBytes = 256 * 1024 * 1024;
const timeoutMs = 600_000;

/** The name of the package with Node.js for this machine, and the expected digest of its bytes. */
export function npmPackageFor(source: NpmSource): { name: string; integrity: string } {
  const name = `node-linux-${process.arch}`;
  const integrity = source.integrity[name];
  if (integrity !== undefined) return { name, integrity };
  throw imageFault('IMAGE_BUILD_FAILED', `the recipe has no Node.js for ${process.arch}`);
}

/** Adds the package's wanted files to `tree`. Returns the newest time stamp among them, in seconds. */
export async function addNpmPackage(
  tree: Tree,
  source: NpmSource,
  cacheDir: string,
  signal: AbortSignal | undefined,
): Promise<number> {
  const module = { ...npmPackageFor(source), version: source.version };
  const [archive = ''] = await fetchPackages([module], join(cacheDir, 'npm'), signal);
  const wanted = new Map(Object.entries(source.files));
  let newest = 0;
  for await (const entry of tarEntries(createReadStream(archive).pipe(createGunzip()))) {
    const inside = entry.header.name.replace(/^[^/]+\//, '');
    const target = wanted.get(inside);
    if (target === undefined || entry.header.type !== 'file') {
      entry.resume();
      continue;
    }
    newest = Math.max(newest, Math.floor((entry.header.mtime?.getTime() ?? 0) / 1000));
    tree.add(target, {
      type: 'file',
      mode: plainMode(entry.header.mode ?? 0o644),
      bytes: await buffer(entry),
    });
    wanted.delete(inside);
  }
  if (wanted.size === 0) return newest;
  throw imageFault('IMAGE_BUILD_FAILED', `${archive} lacks ${[...wanted.keys()].join(', ')}`);
}

/** Keeps the files of a module that Node.js loads, and licence files. */
const kept = /^(?:licen[cs]e[^/]*|notice[^/]*|.*\.(?:c|m)?js|.*\.json)$/i;

/**
 * Adds modules to `/node_modules`, where code at `/fn` finds them. Returns the newest time stamp among their files, in
 * seconds.
 */
export async function addNpmModules(
  tree: Tree,
  modules: readonly NpmModule[],
  cacheDir: string,
  signal: AbortSignal | undefined,
): Promise<number> {
  let newest = 0;
  const archives = await fetchPackages(modules, join(cacheDir, 'npm'), signal);
  for (const [index, archive] of archives.entries()) {
    const path = modules[index]?.path;
    for await (const entry of tarEntries(createReadStream(archive).pipe(createGunzip()))) {
      const inside = entry.header.name.replace(/^[^/]+\//, '');
      if (entry.header.type !== 'file' || !kept.test(inside)) {
        entry.resume();
        continue;
      }
      newest = Math.max(newest, Math.floor((entry.header.mtime?.getTime() ?? 0) / 1000));
      tree.add(`${path}/${inside}`, { type: 'file', mode: 0o644, bytes: await buffer(entry) });
    }
  }
  return newest;
}

type Pinned = Pick<NpmModule, 'name' | 'version' | 'integrity'>;

/** Returns the archives in the order of `packages`. One npm fetches all missing ones, because it starts slowly. */
async function fetchPackages(
  packages: readonly Pinned[],
  folder: string,
  signal: AbortSignal | undefined,
): Promise<readonly string[]> {
  const missing = new Map<string, Pinned>();
  for (const each of packages) {
    const path = archivePath(folder, each);
    if ((await integrityOf(path)) !== each.integrity) missing.set(path, each);
  }
  if (missing.size > 0) await download([...missing.values()], folder, signal);
  return packages.map((each) => archivePath(folder, each));
}

async function download(
  packages: readonly Pinned[],
  folder: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const temporary = await mkdtemp(join(folder, '.tmp-'));
  try {
    const names = packages.map(({ name, version }) => `${name}@${version}`);
    await mustRun(['npm', 'pack', '--silent', '--ignore-scripts', ...names], {
      cwd: temporary,
      timeoutMs,
      ...(signal === undefined ? {} : { signal }),
    });
    const found = new Map<string | undefined, string>();
    for (const file of await readdir(temporary)) {
      found.set(await integrityOf(join(temporary, file)), join(temporary, file));
    }
    for (const each of packages) {
      const file = found.get(each.integrity);
      if (file === undefined) {
        const { name, version, integrity } = each;
        throw imageFault(
          'IMAGE_BUILD_FAILED',
          `npm fetched ${name} ${version} with a digest other than ${integrity}`,
          {
            hint: 'Check the registry that npm uses: it served a different file than the recipe pins.',
          },
        );
      }
      await rename(file, archivePath(folder, each));
    }
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

function archivePath(folder: string, { name, version }: Pinned): string {
  return join(folder, `${name.replace('/', '+')}-${version}.tgz`);
}

async function integrityOf(path: string): Promise<string | undefined> {
  const bytes = await readRegularFile(path, maxPackageBytes);
  return bytes && `sha512-${createHash('sha512').update(bytes).digest('base64')}`;
}
