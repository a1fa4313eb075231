/** Manifests are read into memory, so many bytes of them at once over all clients. */
import type { Readable } from 'node:stream';
import { maxManifestBytes } from '../content/index.ts';
import { collectUpTo } from '../lib/index.ts';
import { registryFault } from './faults.ts';

export interface ManifestBudget {
  /** Counts a manifest of so many bytes until the returned function is called. @throws Fault MANIFESTS_BUSY */
  take(bytes: number): () => void;
}

const retryAfterMs = 5000;

export function createManifestBudget(maxBytes: number): ManifestBudget {
  let inUse = 0;
  return {
    take(bytes) {
      if (inUse > 0 && inUse + bytes > maxBytes) {
        throw registryFault('MANIFESTS_BUSY', 'too many manifests are being pushed, try again later', {
          retryAfterMs,
        });
      }
      inUse += bytes;
      return () => {
        inUse -= bytes;
      };
    },
  };
}

/** @param announced Bytes, as far as the client says so. @throws Fault MANIFEST_TOO_LARGE */
export async function readManifestBody(source: Readable, announced: number | undefined): Promise<Buffer> {
  const tooLarge = () =>
    registryFault('MANIFEST_TOO_LARGE', `a manifest has ${maxManifestBytes} bytes at most`);
  if (announced !== undefined && announced > maxManifestBytes) throw tooLarge();
  return collectUpTo(source.iterator({ destroyOnReturn: false }), maxManifestBytes, tooLarge);
}
