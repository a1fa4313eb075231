/**
 * Reads what is attached to an image, for the gate. Anyone who can push the image can attach something to it, and the gate
 * reads only so much. So each namespace has an equal share of that, and in a namespace each repository: what others attach
 * can't keep a signature from counting.
 */

import type { Digest } from '../../blobs/index.ts';
import {
  type ArtifactLayer,
  type Descriptor,
  isEvidence,
  layersOf,
  mostEvidence,
  mostEvidenceBytes,
} from '../../gate/index.ts';
import { hashOf, isFault, type Log, messageOf } from '../../lib/index.ts';

export interface CompanionBlobs {
  /** @throws errors of reading */
  readManifest(digest: Digest): Promise<Buffer>;
  /** @throws errors of reading */
  readBlob(digest: Digest): Promise<Buffer>;
}

/** The manifests of each repository, by the namespaces that own them. */
export type CompanionsByOwner = readonly (readonly (readonly Digest[])[])[];

/** Where a layer is. Without its annotations: those of all layers would take too much memory. */
interface Place {
  readonly manifest: Digest;
  /** Among all layers of the manifest. */
  readonly at: number;
  readonly size: number;
  /** Equal for equal layers. Signers of one text differ only in the annotations. */
  readonly key: string;
}

/** Ignores malformed manifests, and layers past the limits. */
export async function companionLayers(
  owners: CompanionsByOwner,
  blobs: CompanionBlobs,
  log: Log,
): Promise<readonly ArtifactLayer[]> {
  const places: (readonly Place[])[] = [];
  for (const repositories of owners) {
    const owned: (readonly Place[])[] = [];
    for (const manifests of repositories) owned.push(await placesIn(manifests, blobs, log));
    places.push(inTurns(owned));
  }
  const found: ArtifactLayer[] = [];
  for (const [manifest, chosen] of Map.groupBy(withinLimits(inTurns(places)), (place) => place.manifest)) {
    await unlessBad(manifest, log, async () => {
      const layers = layersOf(await blobs.readManifest(manifest));
      for (const { at } of chosen) {
        const layer = layers[at];
        if (layer === undefined) continue;
        const { mediaType, annotations = {} } = layer;
        found.push({ mediaType, annotations, content: await blobs.readBlob(layer.digest) });
      }
    });
  }
  return found;
}

/** The layers of a repository, as far as they fit the limits without any others. */
async function placesIn(
  manifests: readonly Digest[],
  { readManifest }: Pick<CompanionBlobs, 'readManifest'>,
  log: Log,
): Promise<readonly Place[]> {
  const places = new Map<string, Place>();
  for (const manifest of manifests) {
    if (places.size === mostEvidence) break;
    await unlessBad(manifest, log, async () => {
      for (const [at, layer] of layersOf(await readManifest(manifest)).entries()) {
        if (!isEvidence(layer) || places.size === mostEvidence) continue;
        const key = keyOf(layer);
        if (!places.has(key)) places.set(key, { manifest, at, size: layer.size, key });
      }
    });
  }
  // A long attestation must not take the share that a signature needs.
  return withinLimits([...places.values()].toSorted((a, b) => a.size - b.size));
}

/**
 * Puts first what takes the smallest part of the limits together with what comes before it in its own list. So a list always
 * gets its share of the limits, whatever is in the others. Takes equal layers once.
 */
function inTurns(lists: readonly (readonly Place[])[]): readonly Place[] {
  const counted = lists.flatMap((places) => {
    let bytes = 0;
    return places.map((place, before) => {
      bytes += place.size;
      return { place, used: Math.max((before + 1) / mostEvidence, bytes / mostEvidenceBytes) };
    });
  });
  const sorted = counted.toSorted((a, b) => a.used - b.used).map(({ place }) => place);
  const known = new Set<string>();
  return sorted.filter(({ key }) => !known.has(key) && known.add(key));
}

function withinLimits(places: readonly Place[]): readonly Place[] {
  const fitting: Place[] = [];
  let left = mostEvidenceBytes;
  for (const place of places) {
    if (fitting.length === mostEvidence) break;
    if (place.size > left) continue;
    left -= place.size;
    fitting.push(place);
  }
  return fitting;
}

function keyOf({ mediaType, digest, annotations = {} }: Descriptor): string {
  return hashOf({ mediaType, digest, annotations });
}

async function unlessBad(manifest: Digest, log: Log, read: () => Promise<void>): Promise<void> {
  try {
    await read();
  } catch (error) {
    if (!isFault(error)) throw error;
    log.warn({ manifest, reason: messageOf(error) }, 'the attachments of an image could not be read');
  }
}
