/**
 * Removes code that no entity names and no accepted call needs: what was left when a namespace was deleted by another
 * process, when Ward died between writing code and naming it, or when another server could still have needed it.
 */
import type { BlobStore, Digest } from '../../blobs/index.ts';
import { type UnneededLook, watchUnneeded } from '../../lib/index.ts';
import type { AcceptedQueue, EntityStore } from '../../store/index.ts';

interface CodeSweepOptions {
  readonly blobs: Pick<BlobStore, 'list'>;
  readonly entities: Pick<EntityStore, 'countByCodeDigest'>;
  readonly accepted: Pick<AcceptedQueue, 'needsCode'>;
  /** Removes it. In a server that is the code store's, which leaves alone what is being written or still needed. */
  readonly drop: (digest: Digest) => Promise<void>;
  /** Code goes when nothing has needed it for as long; 0: at once. By a clock that nobody sets. */
  readonly graceMs: number;
  /** Milliseconds. */
  readonly now?: () => number;
}

/** A server's: nothing goes in its first hour. */
export const codeGraceMs = 3_600_000;

/** To be called every so often; says how many blobs it removed. */
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
