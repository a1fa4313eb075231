/**
 * Stores code as blobs by content: actions with the same code share one. A blob is removed when no entity names it, not
 * even as its earlier code, and no accepted call or activation of this process needs it. A put shares the lock that a removal takes
 * exclusively, so code is never removed between being stored and being named. Servers that share the blobs, and a server
 * with a bucket, go by marks instead (`shared-code.ts`).
 */
import type { BlobStore, Digest } from '../../blobs/index.ts';
import { codeArchiveLimits, inspectZip, isProgram } from '../../images/index.ts';
import { isFault, type Log, messageOf } from '../../lib/index.ts';
import type { AcceptedQueue, CodeMarkStore, EntityStore } from '../../store/index.ts';
import { functionFault } from '../faults.ts';
import type { DiskAdmission } from '../namespaces/quotas.ts';
import type { CodePut } from './action-put.ts';
import { blackboxKind, type CodeExec } from './exec.ts';
import { familyOf } from './runtimes.ts';
import { createSharedCode } from './shared-code.ts';
import { createSharedLock } from './shared-lock.ts';

export interface CodeStore {
  /**
   * Stores the code, then runs `name`, which writes the entity that names it.
   * @param admit runs first; if it throws, the code is refused
   * @throws Fault CODE_INVALID for an archive that can't be unpacked safely
   */
  store<T>(
    exec: CodePut,
    name: (exec: CodeExec) => Promise<T>,
    admit?: (bytes: Uint8Array) => Promise<void>,
  ): Promise<T>;
  /** Returns the code as it was sent: text, or base64. */
  load(exec: CodeExec): Promise<string>;
  /** Keeps the blob while an activation needs it. */
  retain(digest: Digest): void;
  release(digest: Digest): void;
  /**
   * Removes the blob, now or after its last activation, unless an entity names it or an accepted call needs it. With
   * marks: unless it was touched within the grace period.
   */
  drop(digest: Digest): Promise<void>;
  /** Tells other servers which code the activations of this one need. `keepCode` calls it often enough. */
  keep(): Promise<void>;
}

/** The marks of code, and how long it stays after it was touched. */
export interface CodeSharing {
  readonly marks: CodeMarkStore;
  readonly graceMs: number;
}

/** Where names of code are. */
interface CodeNames {
  readonly entities: EntityStore;
  readonly accepted: Pick<AcceptedQueue, 'needsCode'>;
}

export function createCodeStore(
  blobs: BlobStore,
  { entities, accepted }: CodeNames,
  log: Log,
  disk?: Pick<DiskAdmission, 'admitWrite'>,
  sharing?: CodeSharing,
): CodeStore {
  const lock = createSharedLock();
  const needed = new Map<Digest, number>();
  const doomed = new Set<Digest>();
  const shared = sharing && createSharedCode({ ...sharing, blobs });

  const isNamed = async (digest: Digest) => (await entities.countByCodeDigest(digest)) > 0;
  // The queue also has calls that no process has taken over yet.
  const isCalled = async (digest: Digest) => needed.has(digest) || (await accepted.needsCode(digest));
  const removeAlone = (digest: Digest) =>
    lock.exclusive(async () => {
      if (await isNamed(digest)) return;
      if (await isCalled(digest)) doomed.add(digest);
      else await blobs.delete(digest);
    });
  const isNeeded = async (digest: Digest) => (await isNamed(digest)) || (await isCalled(digest));
  const remove = (digest: Digest) =>
    shared === undefined ? removeAlone(digest) : shared.remove(digest, () => isNeeded(digest));
  const drop = async (digest: Digest): Promise<void> => {
    try {
      await remove(digest);
    } catch (error) {
      log.warn({ digest, reason: messageOf(error) }, 'unused code could not be removed');
    }
  };

  return {
    drop,
    async store(exec, name, admit) {
      const code = decode(exec.code);
      // Checked before the scan, which writes to disk as well.
      disk?.admitWrite(code.bytes.length);
      if (code.binary) await checkBinary(exec.kind, code.bytes);
      await admit?.(code.bytes);
      const { kind, image, main } = exec;
      const named = (digest: Digest) =>
        name({
          kind,
          ...(image === undefined ? {} : { image }),
          binary: code.binary,
          ...(main === undefined ? {} : { main }),
          digest,
        });
      if (shared !== undefined) return shared.store(code.bytes, named);
      return lock.shared(async () => named(await blobs.put(code.bytes)));
    },
    // A copy: calls that begin and end meanwhile would make the walk over the map endless.
    keep: async () => shared?.touch([...needed.keys()]),
    async load(exec) {
      const bytes = await blobs.get(exec.digest);
      return bytes.toString(exec.binary ? 'base64' : 'utf8');
    },
    retain(digest) {
      needed.set(digest, (needed.get(digest) ?? 0) + 1);
    },
    release(digest) {
      const left = (needed.get(digest) ?? 0) - 1;
      if (left > 0) needed.set(digest, left);
      else {
        needed.delete(digest);
        if (doomed.delete(digest)) void drop(digest);
      }
    },
  };
}

interface DecodedCode {
  readonly binary: boolean;
  readonly bytes: Buffer;
}

/**
 * Decides like OpenWhisk whether code is an archive: text that is nothing but padded base64 is one. Checked by
 * decoding, because a decoder that skips characters returns too few bytes.
 */
export function decode(code: string): DecodedCode {
  const text = code.trim();
  if (text.length > 0 && text.length % 4 === 0 && !text.includes('-') && !text.includes('_')) {
    const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
    const bytes = Buffer.from(text, 'base64');
    if (bytes.length === (text.length / 4) * 3 - padding) return { binary: true, bytes };
  }
  return { binary: false, bytes: Buffer.from(code, 'utf8') };
}

/** Kinds whose code may be one program instead of an archive. */
const programFamilies = new Set(['native', 'go']);

/**
 * Refuses code that could never be initialised because it is not an archive. Code for a user's image is not checked.
 */
async function checkBinary(kind: string, bytes: Buffer): Promise<void> {
  if (kind === blackboxKind) return;
  if (programFamilies.has(familyOf(kind)) && isProgram(bytes)) return;
  try {
    await inspectZip(bytes, codeArchiveLimits);
  } catch (error) {
    if (!isFault(error)) throw error;
    throw functionFault(
      'CODE_INVALID',
      `The action's zip archive is refused: ${error.message.replace(/\.$/, '')}.`,
      {
        cause: error,
      },
    );
  }
}
