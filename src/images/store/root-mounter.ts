/**
 * Mounts roots: read-only overlays, nosuid and nodev, in the mount namespace of this process.
 *
 * The lowest layer is Ward's own: empty folders for what a sandbox mounts. So an image need not bring them; but one that
 * has a link or a file there is refused, because a runtime that mounts over it would be led elsewhere (CVE-2025-31133,
 * CVE-2025-52565, CVE-2025-52881). Folders that only this sandbox mounts over are in that layer too, and the sandbox room
 * refuses them when the image has a link there.
 *
 * Layers are opened without following a link, and mounted by their descriptors: a user who may write to the folder of
 * layers can't have another folder mounted.
 */
import { constants, existsSync } from 'node:fs';
import { type FileHandle, lstat, mkdir, mkdtemp, open, rm, symlink, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { digestHex, digestOf } from '../../blobs/index.ts';
import { hostTroubleOf, mustRun } from '../../lib/index.ts';
import { imageFault } from '../faults.ts';
import { mountTargets, type RootMounter } from './root-filesystem.ts';

export interface RootMounterOptions {
  /** The unpacked layers of a store. */
  readonly layersDir: string;
  /** Where roots are mounted: a folder that no other user writes to, and that every user may search. */
  readonly mountsDir: string;
  /** The folders of the host that may be layers, beside those of the store; absent: all. */
  readonly folders?: readonly string[];
}

/** A file that some sandboxes mount over; empty, it says no more than if it were not there. */
const fileTarget = 'etc/resolv.conf';
/** The new mount API takes at most 255 bytes in one option; older kernels know only the one option. */
const maxOptionBytes = 255;
/** Relative to the folder of layers. */
const ownLayer = /^unpacked\/[0-9a-f]{64}$/;
const timeoutMs = 30_000;
/** Under SELinux: what sandboxes may read and run, and none may write. */
const sharedLabel = 'system_u:object_r:container_ro_file_t:s0';
/** Of open(2), where Node has no name for it: to name a folder, not to read it. */
const pathOnly = 0o10000000;

export function openRootMounter({ layersDir, mountsDir, folders: allowed }: RootMounterOptions): RootMounter {
  const openLayer = (dir: string): Promise<FileHandle> => {
    const name = relative(layersDir, dir);
    if (ownLayer.test(name)) return openBelow(layersDir, name.split('/'));
    if (allowed !== undefined && !allowed.includes(dir))
      throw imageFault('IMAGE_UNSAFE', `${dir} is not a layer of the image store`);
    return openFolder(dir);
  };
  return {
    async mount(name, { reference, layerDirs, folders }) {
      const path = join(mountsDir, name);
      const targets = await makeTargets(mountsDir, folders);
      // The folder is never removed: that would take away the mount that another process has there.
      await mkdir(path, { recursive: true, mode: 0o711 });
      // overlayfs wants each folder once; of a layer that comes twice, the upper one shows all that both would.
      const lowers = [...new Set([...layerDirs].reverse())];
      const opened = await Promise.allSettled([...lowers.map(openLayer), openFolder(targets)]);
      const handles = opened.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
      try {
        for (const each of opened) if (each.status === 'rejected') throw each.reason;
        const names = lowers.map((dir, index) => shownName(layersDir, dir, index));
        await mountOverlay(handles, [...names, 'mount-targets'], path);
      } finally {
        await Promise.all(handles.map((handle) => handle.close()));
      }
      await checkTargets(path, reference).catch(async (error: unknown) => {
        await unmount(path);
        throw error;
      });
      return path;
    },
    unmount: (name) => unmount(join(mountsDir, name)),
  };
}

async function makeTargets(mountsDir: string, folders: readonly string[]): Promise<string> {
  const targets = join(mountsDir, '.targets', digestHex(digestOf(folders.join('\0'))).slice(0, 16));
  for (const each of [...folders, 'etc']) await mkdir(join(targets, each), { recursive: true, mode: 0o755 });
  await writeFile(join(targets, fileTarget), '', { mode: 0o644 });
  return targets;
}

/** Step by step, so that no link is followed on the way. */
async function openBelow(dir: string, [name = '', ...rest]: readonly string[]): Promise<FileHandle> {
  const parent = await openFolder(dir);
  try {
    const inside = `/proc/self/fd/${parent.fd}`;
    return rest.length === 0
      ? await openFolder(`${inside}/${name}`)
      : await openBelow(`${inside}/${name}`, rest);
  } finally {
    await parent.close();
  }
}

function openFolder(path: string): Promise<FileHandle> {
  return open(path, pathOnly | constants.O_DIRECTORY | constants.O_NOFOLLOW);
}

/** By which `/proc/PID/mountinfo` tells of it (`mountedName` of a layer). */
function shownName(layersDir: string, dir: string, index: number): string {
  const name = relative(layersDir, dir);
  return ownLayer.test(name) ? name : `folder-${index}`;
}

/** @param lowers highest first, with the names by which they are told */
async function mountOverlay(
  lowers: readonly FileHandle[],
  names: readonly string[],
  path: string,
): Promise<void> {
  const links = await mkdtemp(`${path}-links-`);
  try {
    await mkdir(join(links, 'unpacked'));
    for (const [index, name] of names.entries()) {
      // They are 3, 4, … of the program that mounts.
      await symlink(`/proc/self/fd/${3 + index}`, join(links, name));
    }
    await mountByLinks(links, lowers, names, path);
  } finally {
    await rm(links, { recursive: true });
  }
}

async function mountByLinks(
  links: string,
  lowers: readonly FileHandle[],
  names: readonly string[],
  path: string,
): Promise<void> {
  const single = `lowerdir=${names.join(':')}`;
  const options = single.length <= maxOptionBytes ? [single] : names.map((name) => `lowerdir+=${name}`);
  const label = existsSync('/sys/fs/selinux/enforce') ? [`context=${sharedLabel}`] : [];
  // What a layer deletes is told by attributes that its unpacker could set without privilege.
  const flags = ['ro,nosuid,nodev,userxattr', ...label, ...options].join(',');
  await mustRun(['mount', '-t', 'overlay', '-o', flags, 'ward', path], {
    cwd: links,
    descriptors: lowers.map(({ fd }) => fd),
    timeoutMs,
  });
}

async function unmount(path: string): Promise<void> {
  // Lazily: a runtime that is just starting may still hold it.
  await mustRun(['umount', '--lazy', path], { timeoutMs });
}

async function checkTargets(root: string, reference: string): Promise<void> {
  for (const target of mountTargets) await refuseUnlessFolder(root, target, reference);
}

async function refuseUnlessFolder(root: string, target: string, reference: string): Promise<void> {
  const found = await lstat(join(root, target)).catch((error: unknown) => {
    if (hostTroubleOf(error) !== undefined) throw error;
    return undefined;
  });
  if (found?.isDirectory()) return;
  const what = found?.isSymbolicLink() ? 'a symbolic link' : found ? 'not a folder' : 'deleted';
  throw imageFault('IMAGE_UNSAFE', `the image ${reference} can't be used: its /${target} is ${what}`, {
    hint: `Make /${target} an empty folder in the image, or leave it out.`,
  });
}
