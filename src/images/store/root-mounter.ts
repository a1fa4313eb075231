/**
 * Mounts roots: read-only overlays, nosuid and nodev, in the mount namespace of this process.
 *
 * The lowest layer is Ward's own: empty folders for the mounts of a sandbox. So an image need not bring them; but an
 * image with a link or a file there is refused, because a runtime that mounts over it would be redirected
 * (CVE-2025-31133, CVE-2025-52565, CVE-2025-52881). Folders that only this sandbox mounts over are in that layer as
 * well, and the sandbox room refuses them when the image has a link there.
 *
 * Layers are opened without following a link, and mounted by their descriptors: a user who can write to the folder of
 * layers can't get another folder mounted.
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
  /** Folder for mounted roots, which no other user can write to, and every user can search. */
  readonly mountsDir: string;
  /** Folders of the host that are allowed as layers, beside those of the store; absent: all. */
  readonly folders?: readonly string[];
}

/** A file that some sandboxes mount over; an empty one means the same as a missing one. */
const fileTarget = 'etc/resolv.conf';
/** The new mount API takes at most 255 bytes per option; older kernels know only the single option. */
const maxOptionBytes = 255;
/** Path relative to the folder of layers. */
const ownLayer = /^unpacked\/[0-9a-f]{64}$/;
const timeoutMs = 30_000;
/** SELinux label of what sandboxes can read and run, and none can write. */
const sharedLabel = 'system_u:object_r:container_ro_file_t:s0';
/** O_PATH of open(2), which Node does not define: to name a folder, not to read it. */
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
      // The folder is never removed: that would remove the mount of another process there.
      await mkdir(path, { recursive: true, mode: 0o711 });
      // overlayfs accepts each folder only once; for a repeated layer, the upper one shows everything.
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

/** Opens step by step, so that no link is followed. */
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

/** The name of the layer in `/proc/PID/mountinfo` (`mountedName`). */
function shownName(layersDir: string, dir: string, index: number): string {
  const name = relative(layersDir, dir);
  return ownLayer.test(name) ? name : `folder-${index}`;
}

/** @param lowers highest first, with their names in mounts */
async function mountOverlay(
  lowers: readonly FileHandle[],
  names: readonly string[],
  path: string,
): Promise<void> {
  const links = await mkdtemp(`${path}-links-`);
  try {
    await mkdir(join(links, 'unpacked'));
    for (const [index, name] of names.entries()) {
      // They are descriptors 3, 4, … of the program that mounts.
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
  // A layer's deletions are in attributes that its unpacker could set without privileges.
  const flags = ['ro,nosuid,nodev,userxattr', ...label, ...options].join(',');
  await mustRun(['mount', '-t', 'overlay', '-o', flags, 'ward', path], {
    cwd: links,
    descriptors: lowers.map(({ fd }) => fd),
    timeoutMs,
  });
}

async function unmount(path: string): Promise<void> {
  // Lazily: a runtime that is just starting can still hold it.
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
