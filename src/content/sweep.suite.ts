/**
 * Tests of the sweep, for every engine. Each runs them in its own test file, with its own opener. What pushes and what
 * sweeps can be two servers.
 */
import { randomBytes } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { describe, expect, it, vi } from 'vitest';
import { type BlobStore, blobPath, type Digest, digestOf } from '../blobs/index.ts';
import { type Fault, isFault } from '../lib/index.ts';
import { lateRemovalTests } from './late-removal.suite.ts';
import { parseRepositoryName, parseTag, type RepositoryName } from './names.ts';
import {
  app,
  documentOf,
  layerOf,
  putBlob,
  putImage,
  putManifest,
  sweepAll,
  type TestStore,
  type TestStoreOptions,
} from './store.fixture.ts';
import type { RegistryStore, RegistryStoreLimits } from './types.ts';

const hourMs = 3_600_000;
const v1 = parseTag('v1');

/** @param rounds of each of three clients that push during sweeps: fewer where each takes long */
export function sweepSuite(name: string, open: Open, rounds = 25): void {
  /** A store whose clock is set by hand, and whose sweeps need one run for both phases. */
  const timed: Timed = async (limits = {}, options = {}) => {
    const clock = { at: 1_000_000_000_000 };
    const all = { graceMs: hourMs, doomedMs: 0, ...limits };
    return { ...(await open({ ...options, now: () => clock.at, limits: all })), clock };
  };
  describe(name, () => {
    garbageTests(timed);
    phaseTests(timed);
    lateRemovalTests(open);
    raceTests(open, rounds);
  });
}

type Timed = (
  limits?: Partial<RegistryStoreLimits>,
  options?: TestStoreOptions,
) => Promise<TestStore & { readonly clock: { at: number } }>;

function garbageTests(timed: Timed): void {
  it('removes blobs without a manifest after the grace period', async () => {
    await using test = await timed();
    const image = await putImage(test.store, app, [layerOf('kept')], 'v1');
    const lonely = await putBlob(test.store, app, Buffer.from('lonely'));
    expect(await test.sweeper.sweep(sweepAll)).toEqual({ manifests: 0, blobs: 0, bytes: 0 });
    test.clock.at += hourMs + 1;
    expect(await test.sweeper.sweep(sweepAll)).toEqual({ manifests: 0, blobs: 1, bytes: 6 });
    await expect(test.store.blobSize(app, lonely)).rejects.toMatchObject({ code: 'BLOB_UNKNOWN' });
    expect((await test.files()).has(lonely)).toBe(false);
    expect((await test.store.findManifest(app, v1)).digest).toBe(image.digest);
    expect(await test.store.blobSize(app, digestOf('kept'))).toBe(4);
  });

  it('keeps a blob that a client has asked for', async () => {
    await using test = await timed();
    const digest = await putBlob(test.store, app, Buffer.from('asked for'));
    test.clock.at += hourMs - 1;
    await test.store.blobSize(app, digest);
    test.clock.at += hourMs - 1;
    await test.sweeper.sweep(sweepAll);
    expect(await test.store.blobSize(app, digest)).toBe(9);
  });

  it('removes the blobs of a deleted manifest, unless another repository has them', async () => {
    await using test = await timed();
    const image = await putImage(test.store, app, [layerOf('one'), layerOf('both')], 'v1');
    await test.store.mountBlob(parseRepositoryName('guest/second'), digestOf('both'), app);
    await putImage(test.store, parseRepositoryName('guest/second'), [layerOf('both')], 'v1');
    await test.store.deleteManifest(app, image.digest);
    test.clock.at += hourMs + 1;
    await test.sweeper.sweep(sweepAll);
    const files = await test.files();
    expect([files.has(digestOf('one')), files.has(digestOf('both')), files.has(image.digest)]).toEqual([
      false,
      true,
      false,
    ]);
    await expect(test.store.listTags(app, { after: '', limit: 1 })).rejects.toMatchObject({
      code: 'REPOSITORY_UNKNOWN',
    });
  });

  it('removes files of interrupted or refused pushes, which the database does not know', async () => {
    await using test = await timed({ doomedMs: hourMs });
    const { document, blobs } = documentOf([layerOf('a')]);
    for (const blob of blobs) await putBlob(test.store, app, blob);
    const refusal = test.store.putManifest({
      repository: app,
      document,
      tags: [v1],
      admit: async () => {
        throw new Error('refused');
      },
    });
    await expect(refusal).rejects.toThrow('refused');
    expect((await test.files()).has(document.digest)).toBe(false);
    await writeFile(blobPath(test.dir, digestOf('orphan')), 'orphan');
    expect(await test.sweeper.sweep(sweepAll)).toEqual({ manifests: 0, blobs: 0, bytes: 0 });
    test.clock.at += hourMs;
    expect(await test.sweeper.sweep(sweepAll)).toEqual({ manifests: 0, blobs: 1, bytes: 6 });
    expect((await test.files()).size).toBe(2);
  });

  it('keeps manifests without a tag, unless the operator sets a limit for them', async () => {
    await using patient = await timed();
    await using strict = await timed({ untaggedMs: 10 * hourMs });
    for (const test of [patient, strict]) {
      const old = await putImage(test.store, app, [layerOf('old')], 'v1');
      test.clock.at += 100 * hourMs;
      await putImage(test.store, app, [layerOf('new')], 'v1');
      test.clock.at += 9 * hourMs;
      expect((await test.sweeper.sweep(sweepAll)).manifests).toBe(0);
      test.clock.at += 2 * hourMs;
      const soonFree = { ...sweepAll, isInUse: (_: string, digest: string) => digest === old.digest };
      expect((await test.sweeper.sweep(soonFree)).manifests).toBe(0);
      expect((await test.sweeper.sweep(sweepAll)).manifests).toBe(test === strict ? 1 : 0);
    }
    expect((await strict.files()).has(digestOf('old'))).toBe(false);
    expect((await patient.files()).has(digestOf('old'))).toBe(true);
  });

  it('keeps entries of an index, and referrers of existing manifests', async () => {
    await using test = await timed({ untaggedMs: hourMs });
    const image = await putImage(test.store, app, [layerOf('a')], 'v1');
    const subject = { mediaType: image.mediaType, digest: image.digest, size: 1 };
    const about = documentOf([layerOf('a')], { subject });
    await putManifest(test.store, app, about.document);
    test.clock.at += 2 * hourMs;
    expect((await test.sweeper.sweep(sweepAll)).manifests).toBe(0);
    await test.store.deleteManifest(app, v1);
    test.clock.at += 2 * hourMs;
    expect((await test.sweeper.sweep(sweepAll)).manifests).toBe(1);
    expect((await test.sweeper.sweep(sweepAll)).manifests).toBe(1);
  });

  it('removes all content of a deleted namespace, and of an earlier one with the same name', async () => {
    await using test = await timed();
    const other = parseRepositoryName('other/app');
    await putImage(test.store, app, [layerOf('a')], 'v1');
    await putImage(test.store, other, [layerOf('b')], 'v1');
    test.clock.at += hourMs * 2;
    const since = (name: string) => (name === 'other' ? test.clock.at - hourMs : undefined);
    await test.sweeper.sweep({ ...sweepAll, namespaceSince: since });
    expect([await test.store.usage('guest'), await test.store.usage('other')]).toEqual([0, 0]);
    expect((await test.files()).size).toBe(0);
    expect(await test.store.listRepositories([''], { after: '', limit: 10 })).toMatchObject({ items: [] });
  });

  it('stops in the middle on request', async () => {
    await using test = await timed();
    await putBlob(test.store, app, Buffer.from('x'));
    test.clock.at += hourMs * 2;
    const signal = AbortSignal.abort();
    expect(await test.sweeper.sweep({ ...sweepAll, signal })).toMatchObject({ blobs: 0 });
  });
}

function phaseTests(timed: Timed): void {
  const bytes = Buffer.from('pushed twice');
  const digest = digestOf(bytes);

  it('removes the bytes of a blob only a while after it has doomed the blob', async () => {
    await using test = await timed({ doomedMs: hourMs });
    await putBlob(test.store, app, bytes);
    await test.store.deleteBlob(app, digest);
    test.clock.at += hourMs + 1;
    for (let minutes = 0; minutes < 60; minutes += 20) {
      expect(await test.sweeper.sweep(sweepAll)).toMatchObject({ blobs: 0 });
      test.clock.at += hourMs / 3;
    }
    expect((await test.files()).has(digest)).toBe(true);
    expect(await test.sweeper.sweep(sweepAll)).toMatchObject({ blobs: 1, bytes: bytes.length });
    expect((await test.files()).has(digest)).toBe(false);
  });

  it.each(['kept', 'lost'])(
    'keeps a blob that is pushed again after it was doomed, its bytes %s',
    async (how) => {
      await using test = await timed({ doomedMs: hourMs });
      await putBlob(test.store, app, bytes);
      await test.store.deleteBlob(app, digest);
      test.clock.at += hourMs + 1;
      await test.sweeper.sweep(sweepAll);
      if (how === 'lost') await rm(blobPath(test.dir, digest));
      test.clock.at += hourMs - 1;
      await putBlob(test.store, app, bytes);
      test.clock.at += hourMs;
      expect(await test.sweeper.sweep(sweepAll)).toMatchObject({ blobs: 0 });
      expect(await buffer(await test.store.openBlob(digest))).toEqual(bytes);
    },
  );

  it('waits with a push of a blob while its bytes are removed, and then stores them again', async () => {
    const [begun, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const slow = (blobs: BlobStore): BlobStore => ({
      ...blobs,
      async delete(which) {
        begun.resolve();
        await released.promise;
        await blobs.delete(which);
      },
    });
    await using test = await timed({}, { wrapBlobs: slow });
    await putBlob(test.store, app, bytes);
    await test.store.deleteBlob(app, digest);
    test.clock.at += hourMs + 1;
    const swept = test.sweeper.sweep(sweepAll);
    await begun.promise;
    const pushed = putBlob(test.store, app, bytes);
    // A later push of other bytes does not wait: when it has ended, the first would have ended too.
    await putBlob(test.store, app, Buffer.from('others'));
    released.resolve();
    await Promise.all([swept, pushed]);
    expect(await test.store.blobSize(app, digest)).toBe(bytes.length);
    expect(await buffer(await test.store.openBlob(digest))).toEqual(bytes);
  });

  it('refuses a slow push whose bytes a sweep has removed before it could name them', async () => {
    let onStored = async (): Promise<void> => {};
    const dying = (blobs: BlobStore): BlobStore => ({
      ...blobs,
      write() {
        const writer = blobs.write();
        const commit = writer.commit.bind(writer);
        return Object.assign(writer, { commit: (which: Digest) => commit(which).then(() => onStored()) });
      },
      // As if the sweeping process ended before it could delete the row.
      delete: (which) => blobs.delete(which).then(() => Promise.reject(new Error('ended'))),
    });
    await using test = await timed({}, { wrapBlobs: dying });
    onStored = async () => {
      test.clock.at += hourMs + 1;
      await expect(test.sweeper.sweep(sweepAll)).rejects.toThrow('ended');
    };
    await expect(putBlob(test.store, app, bytes)).rejects.toMatchObject({ code: 'UPLOAD_UNKNOWN' });
    await expect(test.store.blobSize(app, digest)).rejects.toMatchObject({ code: 'BLOB_UNKNOWN' });
    onStored = async () => {};
    await putBlob(test.store, app, bytes);
    expect(await buffer(await test.store.openBlob(digest))).toEqual(bytes);
  });

  it('keeps a blob doomed when its bytes can’t be removed, and tries again', async () => {
    let isFailing = true;
    const failing = (blobs: BlobStore): BlobStore => ({
      ...blobs,
      delete: (which) => (isFailing ? Promise.reject(new Error('gone')) : blobs.delete(which)),
    });
    await using test = await timed({}, { wrapBlobs: failing });
    await putBlob(test.store, app, bytes);
    await test.store.deleteBlob(app, digest);
    test.clock.at += hourMs + 1;
    await expect(test.sweeper.sweep(sweepAll)).rejects.toThrow('gone');
    isFailing = false;
    expect(await test.sweeper.sweep(sweepAll)).toMatchObject({ blobs: 1 });
  });

  it('removes other blobs when the bytes of one can’t be removed', async () => {
    const bad = digestOf('bad');
    const failing = (blobs: BlobStore): BlobStore => ({
      ...blobs,
      delete: (which) => (which === bad ? Promise.reject(new Error('locked')) : blobs.delete(which)),
    });
    await using test = await timed({}, { wrapBlobs: failing });
    // They are removed in the order in which they were doomed, and then of their digests.
    for (const text of ['bad', 'one', 'two', 'three']) await putBlob(test.store, app, Buffer.from(text));
    test.clock.at += hourMs + 1;
    await expect(test.sweeper.sweep(sweepAll)).rejects.toThrow('locked');
    expect([...(await test.files())]).toEqual([bad]);
  });

  it('gives up the removal of bytes while the row still keeps a push waiting', async () => {
    const limits: number[] = [];
    using _ = vi.spyOn(AbortSignal, 'timeout').mockImplementation((ms) => {
      limits.push(ms);
      return AbortSignal.abort(new Error('gave up'));
    });
    const stuck = (blobs: BlobStore): BlobStore => ({
      ...blobs,
      delete: async (_which, signal) => signal?.throwIfAborted(),
    });
    await using test = await timed({}, { wrapBlobs: stuck });
    await putBlob(test.store, app, bytes);
    test.clock.at += hourMs + 1;
    await expect(test.sweeper.sweep(sweepAll)).rejects.toThrow('gave up');
    expect(limits.filter((ms) => ms >= 4000)).toEqual([]);
    expect(limits).not.toEqual([]);
  });
}

type Open = (options: TestStoreOptions) => Promise<TestStore>;

function raceTests(open: Open, rounds: number): void {
  it('does not harm a concurrent push', async () => {
    // Without a grace period, a blob outside a manifest can be removed at any moment.
    await using test = await open({ limits: { graceMs: 0, doomedMs: 0 } });
    let isDone = false;
    const sweeping = (async () => {
      while (!isDone) await test.sweeper.sweep(sweepAll);
    })();
    const shared = randomBytes(1000);
    let pushed = 0;
    const push = async (worker: number) => {
      const repository = parseRepositoryName(`guest/w${worker}`);
      for (let round = 0; round < rounds; round++) {
        const own = randomBytes(500);
        const layers = [shared, own].map((bytes) => ({ packed: bytes, plain: bytes }));
        const { document, blobs } = documentOf(layers);
        for (;;) {
          const error = await pushAll(test.store, repository, blobs, () =>
            putManifest(test.store, repository, document, `t${round}`),
          );
          if (error === undefined) break;
          expect(error.code).toMatch(/^(MANIFEST_PART_UNKNOWN|UPLOAD_UNKNOWN)$/);
        }
        pushed++;
        if (round % 3 === 0) await test.store.deleteManifest(repository, document.digest);
      }
    };
    const pushing = Promise.all([0, 1, 2].map(push)).finally(() => {
      isDone = true;
    });
    await Promise.all([pushing, sweeping]);
    expect(pushed).toBe(3 * rounds);
    const files = await test.files();
    for (const worker of [0, 1, 2]) {
      const repository = parseRepositoryName(`guest/w${worker}`);
      const { items } = await test.store.listTags(repository, { after: '', limit: 100 });
      expect(items).toHaveLength(rounds - Math.ceil(rounds / 3));
      for (const tag of items) {
        const { digest } = await test.store.findManifest(repository, parseTag(tag));
        const image = await test.store.findImage(repository, parseTag(tag));
        for (const each of [digest, ...image.layers.map((layer) => layer.digest)])
          expect(files).toContain(each);
      }
    }
  });
}

/** Pushes the parts and then the manifest. Returns the fault of the first that was refused. */
async function pushAll(
  store: RegistryStore,
  repository: RepositoryName,
  blobs: readonly Buffer[],
  last: () => Promise<void>,
): Promise<Fault | undefined> {
  try {
    for (const blob of blobs) await putBlob(store, repository, blob);
    await last();
    return undefined;
  } catch (error) {
    if (isFault(error)) return error;
    throw error;
  }
}
