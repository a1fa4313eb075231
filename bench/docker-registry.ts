/**
 * Debian's docker-registry, as a baseline. Installing its package would start a service, so this unpacks only the
 * program, into the repository's cache. apt has checked the package's signature.
 */
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { messageOf, mustRun, runCommand } from '../src/lib/index.ts';

const name = 'docker-registry';
const cache = fileURLToPath(new URL('../.cache/bench', import.meta.url));

/** Path of the program. Where it can't be fetched, prints why and returns undefined. */
export async function findDockerRegistry(): Promise<string | undefined> {
  const kept = join(cache, name, 'usr/bin', name);
  for (const program of [name, kept]) {
    if ((await runCommand([program, '--version']).catch(() => undefined))?.code === 0) return program;
  }
  try {
    await fetchPackage(join(cache, name));
    return kept;
  } catch (error) {
    process.stderr.write(`  skipped: could not fetch ${name} to compare with: ${messageOf(error)}\n`);
    return undefined;
  }
}

async function fetchPackage(into: string): Promise<void> {
  await mkdir(cache, { recursive: true });
  const dir = await mkdtemp(join(cache, 'fetch-'));
  try {
    await mustRun(['apt-get', 'download', '--quiet', name], { cwd: dir, timeoutMs: 120_000 });
    const [archive = ''] = await readdir(dir);
    const unpacked = join(dir, 'unpacked');
    await mustRun(['dpkg-deb', '-x', join(dir, archive), unpacked]);
    await rm(into, { recursive: true, force: true });
    await rename(unpacked, into);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}
