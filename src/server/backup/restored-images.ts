/** Restores the images of a backup into the image store of this machine, which other Wards may share. */
import {
  blobsBelow,
  copyBlob,
  type Descriptor,
  readIndex,
  refNameOf,
  tagManifest,
} from '../../images/index.ts';
import { serverFault } from '../faults.ts';

interface RestoredImages {
  readonly names: readonly string[];
  /** Changes a name only after all bytes of its image are stored. */
  import(): Promise<void>;
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
  const there = new Map((await readIndex(imagesDir))?.manifests.flatMap((entry) => withName(entry)) ?? []);
  for (const [name, { digest }] of replace ? [] : named) {
    if ((there.get(name)?.digest ?? digest) === digest) continue;
    throw serverFault('IMAGE_DIFFERS', `${imagesDir} has another image with the name ${name}`, {
      hint: 'nothing was changed; restore with --replace to use the one in the backup',
    });
  }
  return {
    names: named.map(([name]) => name).sort(),
    async import() {
      for (const [name, entry] of named) {
        for (const blob of blobs.get(entry) ?? []) await copyBlob(from, imagesDir, blob, 'copy');
        if (there.get(name)?.digest !== entry.digest) await tagManifest(imagesDir, entry, [name]);
      }
    },
  };
}

function withName(entry: Descriptor): readonly (readonly [string, Descriptor])[] {
  const name = refNameOf(entry);
  return name === undefined ? [] : [[name, entry]];
}
