/**
 * Root file systems: one read-only overlay per image, nosuid and nodev, shared by all sandboxes of the image,
 * unmounted when the last holder lets go. Mounts are made in the mount namespace of this process.
 *
 * The lowest layer is one of Ward's own: empty folders for what a sandbox mounts. So an image need not bring
 * them; but one that has a link or a file there is refused, because a runtime that mounts over it would be led
 * elsewhere (CVE-2025-31133, CVE-2025-52565, CVE-2025-52881). Folders that only this sandbox mounts over are in
 * that layer too, and the sandbox room refuses them when the image has a link there.
 */
import { existsSync } from 'node:fs';
import { lstat, mkdir, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { mustRun } from '../lib/index.ts';
import { digestHex, digestOf } from './digest.ts';
import { imageFault } from './faults.ts';
import type { Image, RootFilesystem } from './types.ts';

/** What a sandbox mounts over, or looks for, in every root. */
const mountTargets = ['dev', 'fn', 'proc', 'sys', 'tmp', 'ward'];
/** A file that some sandboxes mount over; empty, it says no more than if it were not there. */
const fileTarget = 'etc/resolv.conf';
/** The new mount API takes at most 255 bytes in one option; older kernels know only the one option. */
const maxOptionBytes = 255;
/** Relative to the folder of layers. */
const ownLayer = /^(?:unpacked\/[0-9a-f]{64}|mount-targets(?:-[0-9a-f]{16})?)$/;
const timeoutMs = 30_000;
/** Under SELinux: what sandboxes may read and run, and none may write. */
const sharedLabel = 'system_u:object_r:container_ro_file_t:s0';

export interface RootMounts {
  /** @throws Fault IMAGE_UNSAFE, COMMAND_FAILED */
  mount(image: Image, folders?: readonly string[]): Promise<RootFilesystem>;
  /** Unmounts what is still held. */
  close(): Promise<void>;
}

interface Shared {
  readonly path: string;
  readonly ready: Promise<void>;
  holders: number;
}

/** `layersDir` is the folder to which layers are named relatively: short, and free of special characters. */
export function openRootMounts(layersDir: string, mountsDir: string): RootMounts {
  const shared = new Map<string, Shared>();
  /** Unmounting and mounting again must not overtake each other. */
  const ending = new Map<string, Promise<void>>();

  const begin = (key: string, image: Image, lowest: Lowest): Shared => {
    const path = join(mountsDir, key);
    const ready = Promise.resolve(ending.get(key)).then(() => mountChecked(layersDir, path, image, lowest));
    const root = { path, ready, holders: 0 };
    shared.set(key, root);
    ready.catch(() => shared.delete(key));
    return root;
  };
  const end = async (key: string, root: Shared): Promise<void> => {
    shared.delete(key);
    const work = unmount(root.path).finally(() => ending.delete(key));
    ending.set(key, work);
    await work;
  };
  const mount = async (image: Image, folders: readonly string[] = []): Promise<RootFilesystem> => {
    const lowest = lowestLayer(folders);
    const key = `${digestHex(image.digest ?? digestOf(image.layerDirs.join('\0')))}${lowest.suffix}`;
    const root = shared.get(key) ?? begin(key, image, lowest);
    root.holders++;
    await root.ready;
    let released: Promise<void> | undefined;
    const release = () =>
      (released ??= --root.holders > 0 || shared.get(key) !== root ? Promise.resolve() : end(key, root));
    return { path: root.path, release, [Symbol.asyncDispose]: release };
  };
  const close = async (): Promise<void> => {
    await Promise.all(
      [...shared].map(async ([key, root]) => {
        // A root that could not be mounted is nobody's to unmount.
        await root.ready.catch(() => {});
        if (shared.get(key) === root) await end(key, root);
      }),
    );
    await Promise.all(ending.values());
  };
  return { mount, close };
}

interface Lowest {
  /** Relative paths. */
  readonly folders: readonly string[];
  /** Of its own name and of the mounts that have it; '' when there is nothing but what every root has. */
  readonly suffix: string;
}

function lowestLayer(absolute: readonly string[]): Lowest {
  const asked = absolute.map((path) => relative('/', path));
  const more = [...new Set(asked)].filter((path) => !mountTargets.includes(path)).sort();
  const suffix = more.length === 0 ? '' : `-${digestHex(digestOf(more.join('\0'))).slice(0, 16)}`;
  return { folders: [...mountTargets, ...more], suffix };
}

async function mountChecked(layersDir: string, path: string, image: Image, lowest: Lowest): Promise<void> {
  const skeleton = join(layersDir, `mount-targets${lowest.suffix}`);
  for (const each of lowest.folders) await mkdir(join(skeleton, each), { recursive: true, mode: 0o755 });
  await mkdir(join(skeleton, 'etc'), { recursive: true, mode: 0o755 });
  await writeFile(join(skeleton, fileTarget), '', { mode: 0o644 });
  // The folder is never removed: that would take away the mount that another process has there.
  await mkdir(path, { recursive: true, mode: 0o711 });
  // overlayfs wants each folder once; of a layer that comes twice, the upper one shows all that both would.
  const lowers = new Set([...image.layerDirs].reverse());
  await mountOverlay(layersDir, [...lowers, skeleton], path);
  try {
    for (const target of mountTargets) await refuseUnlessFolder(path, target, image.reference);
  } catch (error) {
    await unmount(path);
    throw error;
  }
}

/** `lowers`: highest first. */
async function mountOverlay(layersDir: string, lowers: readonly string[], path: string): Promise<void> {
  // A root folder elsewhere is the working directory itself, so that its name may hold anything.
  const foreign = lowers.find((lower) => !ownLayer.test(relative(layersDir, lower)));
  const nameOf = (lower: string) => (foreign === undefined ? relative(layersDir, lower) : lower);
  const names = lowers.map((lower) => (lower === foreign ? '.' : nameOf(lower)));
  const single = `lowerdir=${names.join(':')}`;
  const options = single.length <= maxOptionBytes ? [single] : names.map((name) => `lowerdir+=${name}`);
  const label = existsSync('/sys/fs/selinux/enforce') ? [`context=${sharedLabel}`] : [];
  const argv = [
    'mount',
    '-t',
    'overlay',
    '-o',
    // What a layer deletes is told by attributes that its unpacker could set without privilege.
    ['ro,nosuid,nodev,userxattr', ...label, ...options].join(','),
    'ward',
    path,
  ];
  await mustRun(argv, { cwd: foreign ?? layersDir, timeoutMs });
}

async function unmount(path: string): Promise<void> {
  // Lazily: a runtime that is just starting may still hold it.
  await mustRun(['umount', '--lazy', path], { timeoutMs });
}

async function refuseUnlessFolder(root: string, target: string, reference: string): Promise<void> {
  const found = await lstat(join(root, target)).catch(() => undefined);
  if (found?.isDirectory()) return;
  const what = found?.isSymbolicLink() ? 'a symbolic link' : found ? 'no folder' : 'deleted';
  throw imageFault('IMAGE_UNSAFE', `the image ${reference} can't be used: its /${target} is ${what}`, {
    hint: `Make /${target} an empty folder in the image, or leave it out.`,
  });
}
