/** Destinations of a built image: Ward's image store, an OCI layout, a tar file. */
import { chmod, chown, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import {
  copyImage,
  type FunctionImage,
  openWorkFolder,
  tagManifest,
  unpackLayers,
  type WorkFolder,
  writeLayoutArchive,
} from '../../images/index.ts';
import { errnoOf } from '../../lib/index.ts';
import { actingAsOwner } from '../admin/act-as.ts';
import { serverFault } from '../faults.ts';
import { type ImageCompanions, layoutCompanions, putCompanions } from './trust.ts';

export type OutputTarget =
  | { readonly kind: 'store' }
  | { readonly kind: 'layout'; readonly path: string }
  | { readonly kind: 'archive'; readonly path: string };

/** An image and its companions, in a layout. */
export interface BuiltImageFiles {
  readonly layoutDir: string;
  readonly name: string;
  readonly image: FunctionImage;
  /** Undefined: it is not signed. */
  readonly companions: ImageCompanions | undefined;
}

/** Undefined when the image is only pushed. @throws Fault FLAG_INVALID */
export function parseOutput(text: string | undefined, isPushed: boolean): OutputTarget | undefined {
  if (text === undefined) return isPushed ? undefined : { kind: 'store' };
  const layout = /^oci:([^:]+)$/s.exec(text)?.[1];
  if (layout !== undefined) return { kind: 'layout', path: resolve(layout) };
  if (text.endsWith('.tar')) return { kind: 'archive', path: resolve(text) };
  throw serverFault('FLAG_INVALID', `--output can't be '${text}'`, {
    hint: 'name a folder as oci:DIR, or a file that ends in .tar',
  });
}

/** `linux/arm64` → `arm64`. @throws Fault FLAG_INVALID */
export function architectureOf(platform: string | undefined): string | undefined {
  if (platform === undefined) return undefined;
  const architecture = /^linux\/([a-z0-9]{1,20})$/.exec(platform)?.[1];
  if (architecture !== undefined) return architecture;
  throw serverFault('FLAG_INVALID', `unknown platform '${platform}'`, {
    hint: 'write it like linux/arm64',
  });
}

/** A folder on disk, since images can be too large for memory. */
const foreignWork = '/var/tmp';

/**
 * The folder is beside the store, so that blobs can be linked. It is elsewhere for users who can't write there, and
 * for root if the store belongs to another user, who then reads the folder and takes its files.
 */
export async function workFolderFor(storeDir: string): Promise<WorkFolder> {
  const owner = await stat(storeDir).catch(() => undefined);
  if (owner !== undefined && owner.uid !== 0 && process.geteuid?.() === 0) {
    const work = await openWorkFolder(foreignWork);
    process.umask(0o022);
    await chown(work.path, 0, owner.gid);
    await chmod(work.path, 0o750);
    return work;
  }
  try {
    return await openWorkFolder(join(storeDir, 'build'));
  } catch (error) {
    if (!['EACCES', 'EROFS', 'EPERM'].includes(errnoOf(error) ?? '')) throw error;
    return openWorkFolder(tmpdir());
  }
}

/** Returns the reference of the image. */
export async function putOut(
  target: OutputTarget,
  built: BuiltImageFiles,
  storeDir: string,
  onProgress: (text: string) => void,
): Promise<string> {
  const { layoutDir, name, image } = built;
  if (target.kind === 'archive') {
    onProgress(`writing ${target.path}`);
    await writeLayoutArchive(layoutDir, image.descriptor, name, target.path);
    return target.path;
  }
  const dir = target.kind === 'store' ? storeDir : target.path;
  onProgress(`storing ${name}`);
  if (target.kind === 'layout') {
    await copyImage(layoutDir, dir, image.descriptor, 'copy');
    await putName(dir, built);
    return `oci:${dir}:${name}`;
  }
  await actingAsOwner(dir, async () => {
    const { uid } = await stat(layoutDir);
    await copyImage(layoutDir, dir, image.descriptor, uid === process.geteuid?.() ? 'link' : 'copy');
  });
  // So the first call need not wait, and an image that can't be unpacked gets no name.
  await unpackLayers(dir, image.descriptor);
  await actingAsOwner(dir, () => putName(dir, built));
  return name;
}

async function putName(dir: string, { name, image, companions }: BuiltImageFiles): Promise<void> {
  if (companions !== undefined) await putCompanions(layoutCompanions(dir), companions);
  await tagManifest(dir, image.descriptor, [name]);
}
