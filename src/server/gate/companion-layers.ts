/** Reads the manifests that are attached to an image, for the gate. */

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
  /** @throws errors of reading */
  readManifest(digest: Digest): Promise<Buffer>;
  /** @throws errors of reading */
  readBlob(digest: Digest): Promise<Buffer>;
}

/** Ignores malformed manifests, and those past the limits. */
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
      log.warn({ manifest, reason: messageOf(error) }, 'the attachments of an image could not be read');
    }
  }
  return found;
}
