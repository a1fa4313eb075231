/** Two servers that store and remove the same code, in the orders that would lose it without the marks. */
import { describe, expect, test, vi } from 'vitest';
import { type BlobStore, digestOf } from '../blobs/index.ts';
import { silentLog } from '../lib/index.ts';
import type { CodeMarkStore } from '../store/index.ts';
import { createCodeStore } from './actions/code-store.ts';
import { createCodeSweep } from './actions/code-sweep.ts';
import { createSharedCode } from './actions/shared-code.ts';
import { type Platform, ref, startPlatform } from './platform.fixture.ts';

const code = 'function main() { return { shared: true } }';
const digest = digestOf(code);
const exec = { kind: 'nodejs:24', code, main: undefined };
const hourMs = 3_600_000;

/** A server on the platform's store and blobs. */
function server(platform: Platform, { graceMs = 0, blobs = platform.blobs }: Part = {}) {
  const { entities, accepted, codeMarks: marks } = platform.store;
  const own = createCodeStore(blobs, { entities, accepted }, silentLog, undefined, { marks, graceMs });
  const sweep = createCodeSweep({ blobs, entities, accepted, ...own, graceMs: 0 });
  return { ...own, sweep };
}

interface Part {
  readonly graceMs?: number;
  readonly blobs?: BlobStore;
}

/** Writes an entity that names the code. */
async function name({ store }: Platform): Promise<void> {
  const of = { namespace: 'guest', path: 'a', collection: 'actions', revision: 'r1', updatedAt: 1 } as const;
  await store.entities.put({ ...of, codeDigest: digest, link: null, shared: false, document: {} }, null);
}

/** Blobs whose deletion waits. */
function gated(blobs: BlobStore) {
  const reached = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  const deleting = async () => {
    reached.resolve();
    await gate.promise;
    await blobs.delete(digest);
  };
  return { blobs: { ...blobs, delete: deleting }, reached: reached.promise, open: () => gate.resolve() };
}

describe('code that two servers share', () => {
  test('is stored again when the other one is about to delete it', async () => {
    await using platform = await startPlatform({ isAlone: false });
    const gate = gated(platform.blobs);
    await platform.blobs.put(Buffer.from(code));
    const sweeping = server(platform, gate).sweep();
    await gate.reached;
    const storing = server(platform).store(exec, () => name(platform));
    // Without the mark, this put would be complete before the deletion.
    await expect.poll(() => platform.store.codeMarks.touch(digest, hourMs)).toBeUndefined();
    gate.open();
    await Promise.all([sweeping, storing]);
    expect(String(await platform.blobs.get(digest))).toBe(code);
  });

  test('is stored again when the other one deletes it between its bytes and its name', async () => {
    await using platform = await startPlatform({ isAlone: false });
    let names = 0;
    await server(platform).store(exec, async () => {
      names++;
      await server(platform).sweep();
      expect(await platform.blobs.has(digest)).toBe(false);
      await name(platform);
    });
    expect(names).toBe(1);
    expect(String(await platform.blobs.get(digest))).toBe(code);
  });

  test('stays when it gets its name while the other one begins to remove it', async () => {
    await using platform = await startPlatform({ isAlone: false });
    await platform.blobs.put(Buffer.from(code));
    const { codeMarks, entities, accepted } = platform.store;
    const marks: CodeMarkStore = {
      ...codeMarks,
      async beginRemoval(...asked) {
        await name(platform);
        return codeMarks.beginRemoval(...asked);
      },
    };
    const other = createCodeStore(platform.blobs, { entities, accepted }, silentLog, undefined, {
      ...{ marks, graceMs: 0 },
    });
    await other.drop(digest);
    expect(await platform.blobs.has(digest)).toBe(true);
    expect(await codeMarks.touch(digest, hourMs)).toBeDefined();
  });

  test('stays while a call of the other one needs it', async () => {
    await using platform = await startPlatform({ isAlone: false });
    await platform.blobs.put(Buffer.from(code));
    const [first, second] = [server(platform, { graceMs: hourMs }), server(platform, { graceMs: hourMs })];
    first.retain(digest);
    await first.keep();
    await second.sweep();
    expect(await platform.blobs.has(digest)).toBe(true);
  });

  test('stays while an accepted call needs it', async () => {
    await using platform = await startPlatform({ isAlone: false });
    await platform.blobs.put(Buffer.from(code));
    const accepted = { needsCode: async () => true };
    const { entities, codeMarks: marks } = platform.store;
    const own = createCodeStore(platform.blobs, { entities, accepted }, silentLog, undefined, {
      ...{ marks, graceMs: 0 },
    });
    await own.drop(digest);
    expect(await platform.blobs.has(digest)).toBe(true);
  });

  test('goes once nothing needs it', async () => {
    await using platform = await startPlatform({ isAlone: false });
    await platform.blobs.put(Buffer.from(code));
    expect(await server(platform).sweep()).toBe(1);
    expect(await platform.blobs.has(digest)).toBe(false);
  });
});

test('telling what is needed ends while calls begin and end', async () => {
  await using platform = await startPlatform({ isAlone: false });
  const { entities, accepted, codeMarks } = platform.store;
  let touches = 0;
  const marks: CodeMarkStore = {
    ...codeMarks,
    async touch(each, lateMs) {
      if (++touches > 10) throw new Error('this does not end');
      own.release(digest);
      own.retain(digest);
      return codeMarks.touch(each, lateMs);
    },
  };
  const sharing = { marks, graceMs: 0 };
  const own = createCodeStore(platform.blobs, { entities, accepted }, silentLog, undefined, sharing);
  own.retain(digest);
  await own.keep();
  expect(touches).toBe(1);
});

const needless = async () => false;

describe('a deletion without a clear answer', () => {
  /** Blobs in a bucket that does not answer a deletion, and carries it out later. */
  function lateBlobs() {
    const late: (() => Promise<void>)[] = [];
    return {
      asked: () => late.length,
      carryOut: () => Promise.all(late.map((each) => each())),
      wrap: (blobs: BlobStore): BlobStore => ({
        ...blobs,
        lateMs: hourMs / 3,
        delete(which) {
          late.push(() => blobs.delete(which));
          return Promise.reject(new Error('no answer'));
        },
      }),
    };
  }

  /** Marks that were all made this long ago. */
  function aged({ codeMarks }: Platform['store'], ms: number): CodeMarkStore {
    return {
      ...codeMarks,
      touch: (which, lateMs) => codeMarks.touch(which, lateMs - ms),
      beginRemoval: (which, { graceMs, lateMs }) =>
        codeMarks.beginRemoval(which, { graceMs, lateMs: lateMs - ms }),
    };
  }

  test('keeps others from storing the code while the store can still carry it out, and no longer', async () => {
    await using platform = await startPlatform({ isAlone: false });
    const late = lateBlobs();
    const blobs = late.wrap(platform.blobs);
    await blobs.put(Buffer.from(code));
    const serverAt = (ms: number) =>
      createSharedCode({ blobs, marks: aged(platform.store, ms), graceMs: 0, waitMs: 0 });
    await expect(serverAt(0).remove(digest, needless)).rejects.toThrow('no answer');
    const almost = serverAt(hourMs / 3 - 1000);
    await almost.remove(digest, needless);
    expect(late.asked()).toBe(1);
    await expect(almost.store(Buffer.from(code), needless)).rejects.toMatchObject({
      ...{ code: 'CODE_BUSY', kind: 'busy' },
      hint: expect.stringContaining('20 minutes'),
    });
    await late.carryOut();
    await serverAt(hourMs / 3).store(Buffer.from(code), needless);
    expect(String(await blobs.get(digest))).toBe(code);
  });

  test('is asked for again when it is over', async () => {
    await using platform = await startPlatform({ isAlone: false });
    const { blobs } = platform;
    await blobs.put(Buffer.from(code));
    const marks = aged(platform.store, hourMs);
    const cut = createSharedCode({ blobs: lateBlobs().wrap(blobs), marks, graceMs: 0 });
    await expect(cut.remove(digest, needless)).rejects.toThrow('no answer');
    await createSharedCode({ blobs, marks, graceMs: 0 }).remove(digest, needless);
    expect(await blobs.has(digest)).toBe(false);
  });

  test('is marked also by a server that is alone with its bucket, which removes nothing at once', async () => {
    const late = lateBlobs();
    await using platform = await startPlatform({ isAlone: true, codeGraceMs: 0, wrapBlobs: late.wrap });
    const { code: own, actions } = platform.functions;
    for (const each of [code, '2', '3'])
      await actions.put(ref('a'), { exec: { ...exec, code: each } }, true, platform.guest);
    expect(late.asked()).toBe(0);
    await own.drop(digest);
    expect(late.asked()).toBe(1);
    // So nothing can be stored that the bucket would then remove.
    expect(await platform.store.codeMarks.touch(digest, hourMs)).toBeUndefined();
  });

  test('can’t come much later than its mark: a removal that begins slowly is given up', async () => {
    await using platform = await startPlatform({ isAlone: false });
    const late = lateBlobs();
    const blobs = late.wrap(platform.blobs);
    await blobs.put(Buffer.from(code));
    let at = 0;
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => at);
    const shared = createSharedCode({ blobs, marks: platform.store.codeMarks, graceMs: 0 });
    await shared.remove(digest, async () => {
      at += 20_000;
      return false;
    });
    clock.mockRestore();
    expect(late.asked()).toBe(0);
    expect(await platform.store.codeMarks.touch(digest, hourMs)).toBeDefined();
  });
});
