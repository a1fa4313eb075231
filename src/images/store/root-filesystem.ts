/**
 * Root file systems: one read-only root per image, shared by all sandboxes of the image, and unmounted after the last
 * holder has released it.
 */
import { relative } from 'node:path';
import { digestHex, digestOf } from '../../blobs/index.ts';
import type { Image, RootFilesystem } from '../types.ts';

/** What a sandbox mounts over, or looks up, in every root. */
export const mountTargets = ['dev', 'fn', 'proc', 'sys', 'tmp', 'ward'];

/** Creates the mounts. */
export interface RootMounter {
  /** Returns the folder of the root. @throws Fault IMAGE_UNSAFE, COMMAND_FAILED */
  mount(name: string, root: RootLayers): Promise<string>;
  unmount(name: string): Promise<void>;
}

/** The parts of a root. */
export interface RootLayers {
  /** The image's name in messages. */
  readonly reference: string;
  /** Folders of unpacked layers, lowest first. */
  readonly layerDirs: readonly string[];
  /** Relative, normal paths: empty folders that the root gets where the image has nothing. */
  readonly folders: readonly string[];
}

export interface RootMounts {
  /** @throws Fault IMAGE_UNSAFE, COMMAND_FAILED */
  mount(image: Image, folders?: readonly string[]): Promise<RootFilesystem>;
  /** Unmounts roots that are still held. */
  close(): Promise<void>;
}

interface Shared {
  readonly path: Promise<string>;
  holders: number;
}

export function openRootMounts(mounter: RootMounter): RootMounts {
  const shared = new Map<string, Shared>();
  /** Unmounting and mounting again must not overtake each other. */
  const ending = new Map<string, Promise<void>>();

  const begin = (key: string, root: RootLayers): Shared => {
    const path = Promise.resolve(ending.get(key)).then(() => mounter.mount(key, root));
    const begun = { path, holders: 0 };
    shared.set(key, begun);
    path.catch(() => shared.delete(key));
    return begun;
  };
  const end = async (key: string): Promise<void> => {
    shared.delete(key);
    const work = mounter.unmount(key).finally(() => ending.delete(key));
    ending.set(key, work);
    await work;
  };
  const mount = async (image: Image, folders: readonly string[] = []): Promise<RootFilesystem> => {
    const lowest = lowestLayer(folders);
    const key = `${digestHex(image.digest ?? digestOf(image.layerDirs.join('\0')))}${lowest.suffix}`;
    const { reference, layerDirs } = image;
    const root = shared.get(key) ?? begin(key, { reference, layerDirs, folders: lowest.folders });
    root.holders++;
    const path = await root.path;
    let released: Promise<void> | undefined;
    const release = () =>
      (released ??= --root.holders > 0 || shared.get(key) !== root ? Promise.resolve() : end(key));
    return { path, release, [Symbol.asyncDispose]: release };
  };
  const close = async (): Promise<void> => {
    await Promise.all(
      [...shared].map(async ([key, root]) => {
        // A root that could not be mounted needs no unmounting.
        await root.path.catch(() => {});
        if (shared.get(key) === root) await end(key);
      }),
    );
    await Promise.all(ending.values());
  };
  return { mount, close };
}

interface Lowest {
  /** Relative paths. */
  readonly folders: readonly string[];
  /** Suffix of its own name and of its mounts; empty when it has only the folders of every root. */
  readonly suffix: string;
}

function lowestLayer(absolute: readonly string[]): Lowest {
  const asked = absolute.map((path) => relative('/', path));
  const more = [...new Set(asked)].filter((path) => !mountTargets.includes(path)).sort();
  const suffix = more.length === 0 ? '' : `-${digestHex(digestOf(more.join('\0'))).slice(0, 16)}`;
  return { folders: [...mountTargets, ...more], suffix };
}
