/** What the gate reads of the manifests that lie beside an image. */

import type { Digest } from '../../blobs/index.ts';
import {
  type ArtifactLayer,
  isEvidence,
  layersOf,
  mostEvidence,
  mostEvidenceBytes,
} from '../../gate/index.ts';
import { isFault, type Log, messageOf } from '../../lib/index.ts';

export interface CompanionBlobs {
  /** @throws what reading fails with */
  readManifest(digest: Digest): Promise<Buffer>;
  /** @throws what reading fails with */
  readBlob(digest: Digest): Promise<Buffer>;
}

/** What is malformed counts for nothing and takes nothing from the rest. What is past the limits is left out. */
export async function companionLayers(
  manifests: readonly Digest[],
  { readManifest, readBlob }: CompanionBlobs,
  log: Log,
): Promise<readonly ArtifactLayer[]> {
  const found: ArtifactLayer[] = [];
  let left = mostEvidenceBytes;
  for (const manifest of manifests) {
    try {
      for (const descriptor of layersOf(await readManifest(manifest)).filter(isEvidence)) {
        const { mediaType, digest, size, annotations = {} } = descriptor;
        left -= size;
        if (left < 0 || found.length >= mostEvidence) return found;
        found.push({ mediaType, annotations, content: await readBlob(digest) });
      }
    } catch (error) {
      if (!isFault(error)) throw error;
      log.warn({ manifest, reason: messageOf(error) }, 'what is attached to an image could not be read');
    }
  }
  return found;
}
