/**
 * Removes code that no entity names and no accepted call needs. It is left over if another process deleted a
 * namespace, if Ward died between writing code and naming it, or if another server could still have needed it.
 */
import type { BlobStore, Digest } from '../../blobs/index.ts';
import { type UnneededLook, watchUnneeded } from '../../lib/index.ts';
import type { AcceptedQueue, EntityStore } from '../../store/index.ts';

interface CodeSweepOptions {
  readonly blobs: Pick<BlobStore, 'list'>;
  readonly entities: Pick<EntityStore, 'countByCodeDigest'>;
  readonly accepted: Pick<AcceptedQueue, 'needsCode'>;
  /** Removes a blob. In a server, `CodeStore.drop`, which keeps code that is being written or still needed. */
  readonly drop: (digest: Digest) => Promise<void>;
  /** Code is removed after it has been unneeded for this long, by a monotonic clock. 0: at once. */
  readonly graceMs: number;
  /** Milliseconds. */
  readonly now?: () => number;
}

const hourMs = 3_600_000;

/**
 * The grace period of a server: nothing is removed in its first hour.
 * @param everyMs interval of its sweeps, which must be at least two in a period
 */
export function codeGraceMs(everyMs: number): number {
  return Math.max(hourMs, 2 * everyMs);
}

/** Returns a sweep, to be called regularly. It returns the number of removed blobs. */
export function createCodeSweep(options: CodeSweepOptions): () => Promise<number> {
  const { graceMs, now = () => performance.now() } = options;
  const look = watchUnneeded<Digest>(graceMs, now);
  return async () => {
    const unnamed = look();
    const removed = await sweep(options, unnamed);
    unnamed.end();
    return removed;
  };
}

async function sweep(
  { blobs, entities, accepted, drop }: CodeSweepOptions,
  unnamed: UnneededLook<Digest>,
): Promise<number> {
  let removed = 0;
  for await (const digest of blobs.list()) {
    if ((await entities.countByCodeDigest(digest)) > 0 || (await accepted.needsCode(digest))) continue;
    if (!unnamed.isOver(digest)) continue;
    removed++;
    await drop(digest);
  }
  return removed;
}
