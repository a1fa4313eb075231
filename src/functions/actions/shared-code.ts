/**
 * Keeps code whole while several servers store and remove it. S3 has no lock and no conditional delete, so the servers
 * agree by marks in their database:
 *
 * - A server touches the mark, stores the bytes, names them, and then checks that the mark is the one it touched. If
 *   not, a removal came between, and it stores the bytes again.
 * - A removal marks the code first, and only then looks whether an entity or a call needs it. A name that was written
 *   before the mark is seen by that look; a touch after the mark waits for the removal to end.
 * - A removal whose deletion has no clear answer stays marked, because the store can still carry the deletion out, for
 *   up to `BlobStore.lateMs`. So a server that shares its database with no other one needs the marks, too.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type BlobStore, type Digest, digestOf } from '../../blobs/index.ts';
import type { CodeMarkStore } from '../../store/index.ts';
import { functionFault } from '../faults.ts';

export interface SharedCodeOptions {
  readonly blobs: Pick<BlobStore, 'put' | 'delete' | 'lateMs'>;
  readonly marks: CodeMarkStore;
  /** Time that code stays after it was last touched. */
  readonly graceMs: number;
  /** How long a put waits for a removal. */
  readonly waitMs?: number;
}

interface SharedCode {
  /** Stores the bytes and runs `name`, once. @throws Fault CODE_BUSY */
  store<T>(bytes: Uint8Array, name: (digest: Digest) => Promise<T>): Promise<T>;
  /** Removes the code, unless it was touched lately or `isNeeded`. */
  remove(digest: Digest, isNeeded: () => Promise<boolean>): Promise<void>;
  /** Keeps code that calls of this server need. */
  touch(digests: Iterable<Digest>): Promise<void>;
}

const defaultWaitMs = 10_000;
/** For files: another server that shares them could stand still in the middle of a removal. */
const shortestLateMs = 15 * 60_000;
/** From the mark of a removal to its deletion. */
const longestBeginningMs = 15_000;
/** A deletion that has not been signed by then is not sent. */
const deletionMs = 60_000;
const lookEveryMs = 50;

export function createSharedCode(options: SharedCodeOptions): SharedCode {
  const { blobs, marks, graceMs, waitMs = defaultWaitMs } = options;
  const lateMs = Math.max(blobs.lateMs, shortestLateMs);
  const touch = async (digest: Digest): Promise<string> => {
    const end = performance.now() + waitMs;
    for (;;) {
      const stamp = await marks.touch(digest, lateMs);
      if (stamp !== undefined) return stamp;
      if (performance.now() > end) throw busy(lateMs);
      await sleep(lookEveryMs);
    }
  };
  return {
    async store(bytes, name) {
      const digest = digestOf(bytes);
      let stamp = await touch(digest);
      await blobs.put(bytes);
      const named = await name(digest);
      while (!(await marks.isKept(digest, stamp))) {
        stamp = await touch(digest);
        await blobs.put(bytes);
      }
      return named;
    },
    async remove(digest, isNeeded) {
      const began = performance.now();
      const removal = await marks.beginRemoval(digest, { graceMs, lateMs });
      if (removal === undefined) return;
      const isKept = await isNeeded().catch(() => true);
      // What is left of `lateMs` must be longer than the store takes requests that are signed now.
      if (isKept || performance.now() - began > longestBeginningMs)
        return marks.giveUpRemoval(digest, removal);
      await blobs.delete(digest, AbortSignal.timeout(deletionMs));
      await marks.endRemoval(digest, removal);
    },
    async touch(digests) {
      for (const digest of digests) await marks.touch(digest, lateMs);
    },
  };
}

function busy(lateMs: number) {
  return functionFault('CODE_BUSY', 'Code with the same content is being removed.', {
    hint: `Try again. If the removal has failed, this takes up to ${lateMs / 60_000} minutes.`,
    retryAfterMs: 5000,
  });
}
