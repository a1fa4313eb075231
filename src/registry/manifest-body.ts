/** Reads manifests into memory, under one limit for the manifests of all clients. */
import type { Readable } from 'node:stream';
import { maxManifestBytes } from '../content/index.ts';
import { collectUpTo } from '../lib/index.ts';
import { registryFault } from './faults.ts';

export interface ManifestBudget {
  /** Counts the bytes of a manifest until the caller calls the returned function. @throws Fault MANIFESTS_BUSY */
  take(bytes: number): () => void;
}

const retryAfterMs = 5000;

export function createManifestBudget(maxBytes: number): ManifestBudget {
  let soonFree = 0;
  return {
    take(bytes) {
      if (soonFree > 0 && soonFree + bytes > maxBytes) {
        throw registryFault(
          'MANIFESTS_BUSY',
          'clients are pushing too many manifests at once, try again later',
          {
            retryAfterMs,
          },
        );
      }
      soonFree += bytes;
      return () => {
        soonFree -= bytes;
      };
    },
  };
}

/** @param announced bytes, if the client announces them. @throws Fault MANIFEST_TOO_LARGE */
export async function readManifestBody(source: Readable, announced: number | undefined): Promise<Buffer> {
  const tooLarge = () =>
    registryFault('MANIFEST_TOO_LARGE', `a manifest can have at most ${maxManifestBytes} bytes`);
  if (announced !== undefined && announced > maxManifestBytes) throw tooLarge();
  return collectUpTo(source.iterator({ destroyOnReturn: false }), maxManifestBytes, tooLarge);
}
