/** Limits the requests that send a blob at the same time, since each takes memory. */
import { registryFault } from './faults.ts';
import type { RegistryLimits } from './types.ts';

export interface UploadSlots {
  /** Takes a slot; the returned function releases it. @throws Fault UPLOADS_BUSY */
  take(namespace: string): () => void;
}

const retryAfterMs = 5000;

export function createUploadSlots(
  limits: Pick<RegistryLimits, 'uploadsAtOnce' | 'uploadsAtOncePerNamespace'>,
): UploadSlots {
  const taken = new Map<string, number>();
  let total = 0;
  return {
    take(namespace) {
      const own = taken.get(namespace) ?? 0;
      if (total >= limits.uploadsAtOnce || own >= limits.uploadsAtOncePerNamespace) {
        throw registryFault('UPLOADS_BUSY', 'clients are sending too many blobs at once, try again later', {
          retryAfterMs,
        });
      }
      total++;
      taken.set(namespace, own + 1);
      return () => {
        total--;
        const left = (taken.get(namespace) ?? 1) - 1;
        if (left === 0) taken.delete(namespace);
        else taken.set(namespace, left);
      };
    },
  };
}
