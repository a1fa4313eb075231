/** Where an image that was built goes: Ward's image store, an OCI layout, a tar file. */
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
} from '../images/index.ts';
import { errnoOf } from '../lib/index.ts';
import { serverFault } from './faults.ts';
import { type ImageCompanions, layoutCompanions, putCompanions } from './image-build-trust.ts';

export type OutputTarget =
  | { readonly kind: 'store' }
  | { readonly kind: 'layout'; readonly path: string }
  | { readonly kind: 'archive'; readonly path: string };

/** An image with what belongs to it, in a layout. */
export interface BuiltImageFiles {
  readonly layoutDir: string;
  readonly name: string;
  readonly image: FunctionImage;
  /** Undefined: nobody signs it. */
  readonly companions: ImageCompanions | undefined;
}

/** Undefined: it is only pushed. @throws Fault FLAG_INVALID */
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
  throw serverFault('FLAG_INVALID', `there is no platform '${platform}'`, {
    hint: 'write it like linux/arm64',
  });
}

/** Beside the store, where its blobs can be linked to; elsewhere for those who may not write there. */
export async function workFolderFor(storeDir: string): Promise<WorkFolder> {
  try {
    return await openWorkFolder(join(storeDir, 'build'));
  } catch (error) {
    if (!['EACCES', 'EROFS', 'EPERM'].includes(errnoOf(error) ?? '')) throw error;
    return openWorkFolder(tmpdir());
  }
}

/** Returns what it can be found by. */
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
  const isStore = target.kind === 'store';
  await copyImage(layoutDir, dir, image.descriptor, isStore ? 'link' : 'copy');
  // The first call need not wait then; and what can't be unpacked gets no name.
  if (isStore) await unpackLayers(dir, image.descriptor);
  if (built.companions !== undefined) await putCompanions(layoutCompanions(dir), built.companions);
  await tagManifest(dir, image.descriptor, [name]);
  return isStore ? name : `oci:${dir}:${name}`;
}
