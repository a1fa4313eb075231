/**
 * Removes code that no entity names: what was left when a namespace was deleted by another process, or when Ward died
 * between writing code and naming it.
 */
import type { BlobStore, Digest } from '../../images/index.ts';
import type { EntityStore } from '../../store/index.ts';

export interface CodeSweepOptions {
  readonly blobs: Pick<BlobStore, 'list'>;
  readonly entities: Pick<EntityStore, 'countByCodeDigest'>;
  /** Removes it. In a server that is the code store's, which leaves alone what is being written or still needed. */
  readonly drop: (digest: Digest) => Promise<void>;
}

/** How many blobs no entity named. */
export async function sweepCode({ blobs, entities, drop }: CodeSweepOptions): Promise<number> {
  let unnamed = 0;
  for await (const digest of blobs.list()) {
    if ((await entities.countByCodeDigest(digest)) > 0) continue;
    unnamed++;
    await drop(digest);
  }
  return unnamed;
}
