/** Images of a backup, into the image store of this machine, which other Wards may use as well. */
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
  /** Makes no name point elsewhere before all of its bytes are there. */
  import(): Promise<void>;
}

/**
 * An image with a damaged blob is left out: in the store its bytes would stand for what they are not, also for images of
 * others that have the blob.
 * @param from an OCI image layout, which need not be there
 * @param damaged names of members
 * @param replace takes a name away from another image
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
    // Takes nothing from a damaged manifest.
    const below = isDamaged(entry) ? [entry] : await blobsBelow(from, entry);
    if (!below.some(isDamaged)) blobs.set(entry, below);
  }
  const named = all.filter(([, entry]) => blobs.has(entry));
  const there = new Map((await readIndex(imagesDir))?.manifests.flatMap((entry) => withName(entry)) ?? []);
  for (const [name, { digest }] of replace ? [] : named) {
    if ((there.get(name)?.digest ?? digest) === digest) continue;
    throw serverFault('IMAGE_DIFFERS', `${imagesDir} has another image that is called ${name}`, {
      hint: 'nothing was changed; restore with --replace to take the one of the backup',
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
