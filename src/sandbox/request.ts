/**
 * Checks the paths of a request before anything is mounted over them. Refuses a root whose /dev, /proc or another mount
 * target is a symbolic link: it would make the runtime, as root, mount or write somewhere else. Refuses a missing
 * target, too, because the runtime would try to make it, and a pipe or a device where the runtime itself reads.
 */
import type { Stats } from 'node:fs';
import { lstat, readFile, readlink, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, normalize, resolve } from 'node:path';
import { BoundedMap, hostTroubleOf } from '../lib/index.ts';
import { sandboxFault } from './faults.ts';
import { launcherPath } from './runtime-config/landlock.ts';
import { codePath, resolvConfPath } from './runtime-config/mounts.ts';
import type { SandboxRequest } from './types.ts';

interface CheckedRoot {
  /** The path of the image's own `setpriv`, when it can apply Landlock. */
  readonly landlockLauncher: string | undefined;
}

/** @throws Fault REQUEST_UNSAFE */
export async function checkRequest(request: SandboxRequest): Promise<CheckedRoot> {
  if (request.args.length === 0) throw unsafe('there is no program to run');
  if (!request.cwd.startsWith('/')) throw unsafe(`the working directory ${request.cwd} isn't absolute`);
  // A descriptor there could lead a runtime into a folder of the host (CVE-2024-21626).
  if (/^\/proc(?:\/|$)/.test(normalize(request.cwd))) throw unsafe('the working directory is in /proc');
  const texts = [...request.args, ...Object.entries(request.env).flat(), request.cwd];
  if (texts.some((text) => text.includes('\0')))
    throw unsafe('the arguments or the environment contain a NUL byte');
  if (Object.keys(request.env).some((name) => name === '' || name.includes('='))) {
    throw unsafe('an environment variable has an empty name or one with "="');
  }
  const folders = [request.rootDir, ...(request.codeDir === undefined ? [] : [request.codeDir])];
  await Promise.all(folders.map(checkFolder));
  await Promise.all(mountTargets(request).map((path) => checkTarget(request.rootDir, path)));
  await Promise.all(readByRuntimes.map((path) => checkReadable(request.rootDir, path)));
  if (request.policy.egress !== undefined) await checkFileTarget(request.rootDir, resolvConfPath);
  return { landlockLauncher: await findLandlockLauncher(request.rootDir) };
}

/** Lists the folders of the root that mounts cover, each with the folders above it. */
function mountTargets({ policy, codeDir }: SandboxRequest): string[] {
  const targets = ['/proc', '/dev', ...policy.tmpfs.map(({ path }) => path)];
  if (codeDir !== undefined) targets.push(codePath);
  // Targets in /dev are made on Ward's own tmpfs, and need not be in the image.
  const inImage = targets.filter((path) => !path.startsWith('/dev/') && !path.startsWith('/proc/'));
  return [...new Set(inImage.flatMap(withParents))];
}

function withParents(path: string): string[] {
  const names = path.split('/').filter((name) => name !== '');
  return names.map((_, index) => `/${names.slice(0, index + 1).join('/')}`);
}

async function checkFolder(path: string): Promise<void> {
  if (!isAbsolute(path) || normalize(path) !== path) throw unsafe(`${path} isn't an absolute, plain path`);
  if (!(await statOf(path))?.isDirectory()) throw unsafe(`${path} is not a folder`);
  for (const folder of withParents(path)) {
    const stats = await stat(folder);
    if ((stats.mode & 0o001) === 0) {
      throw sandboxFault(
        'REQUEST_UNSAFE',
        `${folder} can't be entered by other users, so no sandbox can see ${path}`,
        {
          hint: `chmod o+x ${folder}`,
        },
      );
    }
  }
}

async function checkTarget(rootDir: string, path: string): Promise<void> {
  const stats = await statOf(join(rootDir, path));
  if (stats?.isSymbolicLink()) throw unsafe(`${path} of the root file system is a symbolic link`);
  if (!stats?.isDirectory()) {
    throw unsafe(`the root file system has no folder ${path}, which is needed as a mount point`);
  }
}

/** Checks a file that a mount covers: neither it nor a folder above it may be a link. */
async function checkFileTarget(rootDir: string, path: string): Promise<void> {
  const folders = withParents(path).slice(0, -1);
  await Promise.all(folders.map((folder) => checkTarget(rootDir, folder)));
  if ((await statOf(join(rootDir, path)))?.isFile()) return;
  throw sandboxFault('REQUEST_UNSAFE', `${path} of the root file system is not a plain file`, {
    hint: `a sandbox with egress rules gets its own ${path}: make it an empty file in the image, or leave it out`,
  });
}

/** Runtimes look up users and groups in these files before the program starts. */
const readByRuntimes = ['/etc/passwd', '/etc/group'] as const;
const maxLinks = 8;

/** Refuses a pipe there, because the runtime would wait for ever. Follows links within the root. */
async function checkReadable(rootDir: string, path: string): Promise<void> {
  let place: string = path;
  for (let links = 0; links <= maxLinks; links++) {
    const stats = await statOf(join(rootDir, place));
    if (stats === undefined || stats.isFile()) return;
    if (!stats.isSymbolicLink()) break;
    place = resolve('/', dirname(place), await readlink(join(rootDir, place)));
  }
  throw unsafe(`${path} of the root file system is not a file`);
}

/** Cached answers by root folder and identity of the file, so that a warm start costs one `lstat`. */
const launchers = new BoundedMap<string, { readonly identity: string; readonly canLandlock: boolean }>(1000);

/** Finds in the image a `setpriv` that supports Landlock (util-linux 2.41). Returns its path inside the root. */
export async function findLandlockLauncher(rootDir: string): Promise<string | undefined> {
  const path = join(rootDir, launcherPath);
  const stats = await statOf(path);
  if (stats === undefined || !stats.isFile() || stats.size > 4 * 1024 * 1024) return undefined;
  const identity = [stats.dev, stats.ino, stats.mtimeMs, stats.size].join(' ');
  const known = launchers.get(rootDir);
  if (known?.identity === identity) return known.canLandlock ? launcherPath : undefined;
  const canLandlock = (await readFile(path)).includes('landlock-access');
  launchers.set(rootDir, { identity, canLandlock });
  return canLandlock ? launcherPath : undefined;
}

/** @throws when the file can't be read now */
async function statOf(path: string): Promise<Stats | undefined> {
  return lstat(path).catch((error: unknown) => {
    if (hostTroubleOf(error) !== undefined) throw error;
    return undefined;
  });
}

function unsafe(message: string) {
  return sandboxFault('REQUEST_UNSAFE', message);
}
