/** Restores the images of a backup into the image store of this machine, which other Wards may share. */
import { join } from 'node:path';
import { writeFileAtomically } from '../../blobs/index.ts';
import {
  blobsBelow,
  copyBlob,
  type Descriptor,
  indexMediaType,
  readIndex,
  refNameOf,
  tagManifest,
} from '../../images/index.ts';
import { serverFault } from '../faults.ts';

interface RestoredImages {
  /** Stores all their bytes, and changes no name. */
  copy(): Promise<void>;
  /** Removes all other images from the index of `from`, for `nameImages`. */
  leaveOut(): Promise<void>;
}

/**
 * Gives the images their names, which other images lose. It can be repeated, also when the store has lost bytes meanwhile.
 * @param from what `RestoredImages` has left of it; it is optional
 * @returns the names
 */
export async function nameImages(from: string, imagesDir: string): Promise<readonly string[]> {
  const named = (await readIndex(from))?.manifests.flatMap((entry) => withName(entry)) ?? [];
  const there = await namedIn(imagesDir);
  for (const [name, entry] of named) {
    await copyAll(from, imagesDir, await blobsBelow(from, entry));
    if (there.get(name)?.digest !== entry.digest) await tagManifest(imagesDir, entry, [name]);
  }
  return named.map(([name]) => name).sort();
}

/**
 * Leaves out an image with a damaged blob: in the store other images that share the blob would get the wrong bytes,
 * too.
 * @param from an OCI image layout; it is optional
 * @param damaged names of members
 * @param replace moves a name from another image
 * @throws Fault IMAGE_DIFFERS, IMAGE_INVALID
 */
export async function planImages(
  from: string,
  imagesDir: string,
  { replace, damaged }: { readonly replace: boolean; readonly damaged: readonly string[] },
): Promise<RestoredImages> {
  const all = (await readIndex(from))?.manifests.flatMap((entry) => withName(entry)) ?? [];
  const isDamaged = ({ digest }: Descriptor) =>
    damaged.includes(`images/blobs/sha256/${digest.replace(/^sha256:/, '')}`);
  const blobs = new Map<Descriptor, readonly Descriptor[]>();
  for (const [, entry] of all) {
    // Trusts nothing in a damaged manifest.
    const below = isDamaged(entry) ? [entry] : await blobsBelow(from, entry);
    if (!below.some(isDamaged)) blobs.set(entry, below);
  }
  const named = all.filter(([, entry]) => blobs.has(entry));
  const there = await namedIn(imagesDir);
  for (const [name, { digest }] of replace ? [] : named) {
    if ((there.get(name)?.digest ?? digest) === digest) continue;
    throw serverFault('IMAGE_DIFFERS', `${imagesDir} has another image with the name ${name}`, {
      hint: 'nothing was changed; restore with --replace to use the one in the backup',
    });
  }
  return {
    async copy() {
      for (const below of blobs.values()) await copyAll(from, imagesDir, below);
    },
    async leaveOut() {
      if (all.length === 0) return;
      const index = {
        schemaVersion: 2,
        mediaType: indexMediaType,
        manifests: named.map(([, entry]) => entry),
      };
      await writeFileAtomically(join(from, 'index.json'), JSON.stringify(index), { mode: 0o600 });
    },
  };
}

async function copyAll(from: string, to: string, blobs: readonly Descriptor[]): Promise<void> {
  for (const blob of blobs) await copyBlob(from, to, blob, 'copy');
}

async function namedIn(dir: string): Promise<ReadonlyMap<string, Descriptor>> {
  return new Map((await readIndex(dir))?.manifests.flatMap((entry) => withName(entry)) ?? []);
}

function withName(entry: Descriptor): readonly (readonly [string, Descriptor])[] {
  const name = refNameOf(entry);
  return name === undefined ? [] : [[name, entry]];
}
