/**
 * Keeps code whole while several servers store and remove it. S3 has no lock and no conditional delete, so the servers
 * agree by marks in their database:
 *
 * - A server touches the mark, stores the bytes, names them, and then checks that the mark is the one it touched. If
 *   not, a removal came between, and it stores the bytes again.
 * - A removal marks the code first, and only then looks whether an entity or a call needs it. A name that was written
 *   before the mark is seen by that look; a touch after the mark waits for the removal to end.
 * - A removal whose deletion has no clear answer stays marked, because the store can still carry the deletion out.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type BlobStore, type Digest, digestOf } from '../../blobs/index.ts';
import type { CodeMarkStore } from '../../store/index.ts';
import { functionFault } from '../faults.ts';

export interface SharedCodeOptions {
  readonly blobs: Pick<BlobStore, 'put' | 'delete'>;
  readonly marks: CodeMarkStore;
  /** Time that code stays after it was last touched. */
  readonly graceMs: number;
  /** How long a put waits for a removal. */
  readonly waitMs?: number;
  /** Age at which another server continues a removal. */
  readonly takeOverMs?: number;
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
/** S3 refuses a request that was signed longer ago than this, so a server that stood still can't delete any more. */
const defaultTakeOverMs = 900_000;
const lookEveryMs = 50;

export function createSharedCode(options: SharedCodeOptions): SharedCode {
  const { blobs, marks, graceMs, waitMs = defaultWaitMs, takeOverMs = defaultTakeOverMs } = options;
  const touch = async (digest: Digest): Promise<string> => {
    const end = performance.now() + waitMs;
    for (;;) {
      const stamp = await marks.touch(digest);
      if (stamp !== undefined) return stamp;
      if (performance.now() > end) throw busy();
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
      const removal = await marks.beginRemoval(digest, { graceMs, takeOverMs });
      if (removal === undefined) return;
      const began = performance.now();
      const isKept = await isNeeded().catch(() => true);
      // The other half is left for the request itself.
      if (isKept || performance.now() - began > takeOverMs / 2) return marks.giveUpRemoval(digest, removal);
      await blobs.delete(digest);
      await marks.endRemoval(digest, removal);
    },
    async touch(digests) {
      for (const digest of digests) await marks.touch(digest);
    },
  };
}

function busy() {
  return functionFault('CODE_BUSY', 'Another server is removing code with the same content.', {
    hint: 'Try again. If that server has died, this takes up to 15 minutes.',
    retryAfterMs: 5000,
  });
}
