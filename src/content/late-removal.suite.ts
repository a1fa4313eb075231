/** Tests of removals that the store of bytes carries out later than it should, for every engine; part of `sweep.suite.ts`. */
import { buffer } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { type BlobStore, type Digest, digestOf } from '../blobs/index.ts';
import { app, putBlob, sweepAll, type TestStore, type TestStoreOptions } from './store.fixture.ts';

const hourMs = 3_600_000;
const lateMs = hourMs / 3;
const bytes = Buffer.from('pushed twice');
const digest = digestOf(bytes);

interface LateBlobs {
  /** Deletes that were asked for. */
  readonly asked: Digest[];
  /** While true, a delete has no answer. */
  isSilent: boolean;
  readonly wrap: (blobs: BlobStore) => BlobStore;
  /** Carries out what had no answer. */
  carryOut(): Promise<void>;
}

function lateBlobs(after: number): LateBlobs {
  const late: (() => Promise<void>)[] = [];
  const made: LateBlobs = {
    asked: [],
    isSilent: true,
    wrap: (blobs) => ({
      ...blobs,
      lateMs: after,
      async delete(which) {
        made.asked.push(which);
        if (!made.isSilent) return blobs.delete(which);
        late.push(() => blobs.delete(which));
        throw new Error('no answer');
      },
    }),
    async carryOut() {
      for (const each of late.splice(0)) await each();
    },
  };
  return made;
}

export function lateRemovalTests(open: (options: TestStoreOptions) => Promise<TestStore>): void {
  const openLate = async (after = lateMs) => {
    const clock = { at: 1_000_000_000_000 };
    const late = lateBlobs(after);
    const limits = { graceMs: hourMs, doomedMs: 0 };
    const test = await open({ wrapBlobs: late.wrap, now: () => clock.at, limits });
    await putBlob(test.store, app, bytes);
    clock.at += hourMs + 1;
    return { ...test, clock, late };
  };

  it('keeps bytes that are pushed again from an earlier removal that had no answer', async () => {
    await using test = await openLate();
    await expect(test.sweeper.sweep(sweepAll)).rejects.toThrow('no answer');
    const refusal = {
      code: 'BLOB_BUSY',
      retryAfterMs: expect.any(Number),
      hint: expect.stringMatching(/20 min/),
    };
    await expect(putBlob(test.store, app, bytes)).rejects.toMatchObject(refusal);
    await test.late.carryOut();
    test.clock.at += lateMs;
    await putBlob(test.store, app, bytes);
    await test.late.carryOut();
    expect(await test.store.blobSize(app, digest)).toBe(bytes.length);
    expect(await buffer(await test.store.openBlob(digest))).toEqual(bytes);
  });

  it('takes bytes at once where no removal is late, also after the clock was set back', async () => {
    await using test = await openLate(0);
    await expect(test.sweeper.sweep(sweepAll)).rejects.toThrow('no answer');
    test.clock.at -= hourMs;
    await putBlob(test.store, app, bytes);
    expect(await buffer(await test.store.openBlob(digest))).toEqual(bytes);
  });

  it('asks again for a removal that had no answer only when the first can’t be carried out any more', async () => {
    await using test = await openLate();
    await expect(test.sweeper.sweep(sweepAll)).rejects.toThrow('no answer');
    test.late.isSilent = false;
    test.clock.at += lateMs - 1;
    expect(await test.sweeper.sweep(sweepAll)).toMatchObject({ blobs: 0 });
    expect(test.late.asked).toEqual([digest]);
    test.clock.at += 1;
    expect(await test.sweeper.sweep(sweepAll)).toMatchObject({ blobs: 1 });
    expect((await test.files()).has(digest)).toBe(false);
    await putBlob(test.store, app, bytes);
    expect(await buffer(await test.store.openBlob(digest))).toEqual(bytes);
  });
}
