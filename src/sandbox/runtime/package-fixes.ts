/**
 * Finds what a distribution has fixed in a program's package without raising its upstream version: the changelog of a
 * Debian package names the holes that it closes (Debian policy, section 4.4; security updates always do).
 */
import { open } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { runCommand } from '../../lib/index.ts';

const unzip = promisify(gunzip);
const mostBytes = 4 * 1024 * 1024;

/**
 * Lists the CVEs in the changelog of the program's package. Empty when the file belongs to no package or has been
 * changed since.
 */
export async function packageFixesOf(path: string): Promise<readonly string[]> {
  const owner = await ask(['dpkg-query', '--search', path]);
  const [name] = owner?.split(/[:,]/) ?? [];
  if (name === undefined || !/^[a-z0-9][a-z0-9+.-]+$/.test(name)) return [];
  // dpkg lists the files that differ from the package.
  const changed = await ask(['dpkg', '--verify', name]);
  if (changed === undefined || changed.split('\n').some((line) => line.endsWith(` ${path}`))) return [];
  return idsIn(await changelogOf(name));
}

/** The ids in a changelog, without duplicates, in order of first mention. Pure. */
export function idsIn(changelog: string): readonly string[] {
  return [...new Set(changelog.match(/\bCVE-\d{4}-\d{4,7}\b/g))];
}

async function changelogOf(name: string): Promise<string> {
  try {
    await using file = await open(`/usr/share/doc/${name}/changelog.Debian.gz`);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(mostBytes), 0, mostBytes, 0);
    return (await unzip(buffer.subarray(0, bytesRead), { maxOutputLength: 8 * mostBytes })).toString('utf8');
  } catch {
    return '';
  }
}

async function ask(argv: readonly string[]): Promise<string | undefined> {
  const ran = await runCommand(argv, { timeoutMs: 10_000 }).catch(() => undefined);
  return ran?.code === 0 ? ran.stdout : undefined;
}
