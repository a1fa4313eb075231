/** Images of Ward's own store with their attachments. Reads them again after the store's index has changed. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Digest, isDigest, openBlobStore } from '../../blobs/index.ts';
import { type ArtifactLayer, companionSuffixes, companionTag } from '../../gate/index.ts';
import { ownImageNames, readImage, readIndex, refNameOf } from '../../images/index.ts';
import { errnoOf, type Log } from '../../lib/index.ts';
import { companionLayers } from './companion-layers.ts';

/** The properties of an image that identify it as a base. */
export interface LaidImage {
  readonly name: string;
  /** Digests of its manifest, and of the index that it was chosen from, if any. */
  readonly digests: readonly Digest[];
  /** Lowest first. */
  readonly diffIds: readonly Digest[];
  /** Built with Ward's own recipe; the store also has images of functions. */
  readonly isOwn: boolean;
}

export interface LaidImages {
  list(): Promise<readonly LaidImage[]>;
  companions(digest: Digest): Promise<readonly ArtifactLayer[]>;
}

interface Laid {
  readonly images: readonly LaidImage[];
  /** Manifests of signatures and attestations, by their tags. */
  readonly companions: ReadonlyMap<string, Digest>;
}

const companionName = /^sha256-[0-9a-f]{64}\.[a-z]+$/;

/** @param dir an OCI image layout, which may be missing */
export function openLaidImages(dir: string, log: Log): LaidImages {
  const blobs = openBlobStore(dir);
  let stamp: string | undefined;
  let laid: Laid = { images: [], companions: new Map() };
  const current = async (): Promise<Laid> => {
    const now = await stampOf(join(dir, 'index.json'));
    if (now !== stamp) {
      laid = await readLaid(dir);
      stamp = now;
    }
    return laid;
  };
  return {
    list: async () => (await current()).images,
    async companions(digest) {
      const { companions } = await current();
      const manifests = companionSuffixes.flatMap(
        (suffix) => companions.get(companionTag(digest, suffix)) ?? [],
      );
      return companionLayers([[manifests]], { readManifest: blobs.get, readBlob: blobs.get }, log);
    },
  };
}

async function readLaid(dir: string): Promise<Laid> {
  const own = ownImageNames();
  const images: LaidImage[] = [];
  const companions = new Map<string, Digest>();
  for (const entry of (await readIndex(dir))?.manifests ?? []) {
    const name = refNameOf(entry) ?? entry.digest;
    if (companionName.test(name)) {
      companions.set(name, entry.digest);
      continue;
    }
    const { digest, config } = await readImage(dir, entry);
    const digests = [...new Set([digest, entry.digest])];
    images.push({ name, digests, diffIds: config.rootfs.diff_ids.filter(isDigest), isOwn: own.has(name) });
  }
  return { images, companions };
}

async function stampOf(path: string): Promise<string> {
  try {
    const { dev, ino, size, mtimeNs } = await stat(path, { bigint: true });
    return `${dev} ${ino} ${size} ${mtimeNs}`;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return '';
    throw error;
  }
}
