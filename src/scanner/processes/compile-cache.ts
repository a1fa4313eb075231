/**
 * The cache of compiled code for scan processes. They run its contents, so they must not write to it: another process
 * fills it, which loads the same code but reads no untrusted files.
 */
import { chown, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { getCompileCacheDir } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { confine, findAbilities, readingPrograms, runCommand, type UserIds } from '../../lib/index.ts';

const prime = fileURLToPath(new URL('./prime.ts', import.meta.url));
const sources = fileURLToPath(new URL('../..', import.meta.url));
const timeoutMs = 60_000;
const filling = new Map<string, Promise<void>>();

/**
 * Fills the cache, unless that was done since Ward changed. Returns its folder; undefined when there is no cache.
 * @param as the user that reads it and fills it: Node keeps a folder for each user
 */
export async function filledCompileCache(as: UserIds | undefined): Promise<string | undefined> {
  const cache = getCompileCacheDir();
  if (cache === undefined) return undefined;
  // Node adds a folder for its version.
  const dir = `${dirname(cache)}-scan`;
  let work = filling.get(dir);
  if (work === undefined) {
    // If it fails, processes only take longer to start.
    work = fill(dir, as).catch(() => undefined);
    filling.set(dir, work);
  }
  await work;
  return dir;
}

async function fill(dir: string, as: UserIds | undefined): Promise<void> {
  // Beside the cache, in a folder where only this process writes.
  const stamp = `${dir}.filled`;
  const state = `${process.version} ${as?.uid ?? process.geteuid?.()} ${await newestSource()}`;
  if ((await readFile(stamp, 'utf8').catch(() => '')) === state) return;
  await mkdir(dir, { recursive: true, mode: 0o755 });
  const abilities = await findAbilities();
  if (as !== undefined && abilities.canBecome) await chown(dir, as.uid, as.gid);
  const words = confine({ as, writable: dir, reads: await readingPrograms(as, prime) }, abilities);
  const env = { PATH: process.env['PATH'], NODE_COMPILE_CACHE: dir };
  const { code } = await runCommand([...words, process.execPath, prime], { env, timeoutMs });
  if (code === 0) await writeFile(stamp, state);
}

/** Epoch milliseconds of the last change of a source file. */
async function newestSource(): Promise<number> {
  const names = (await readdir(sources, { recursive: true })).filter((name) => name.endsWith('.ts'));
  const found = await Promise.all(names.map((name) => stat(join(sources, name))));
  return Math.max(...found.map(({ mtimeMs }) => mtimeMs));
}
