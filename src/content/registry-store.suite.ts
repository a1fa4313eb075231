/**
 * Tests for every implementation of `RegistryStore` under concurrency: limits, parts of manifests, links, sweeps.
 * Each runs them in its own test file, with its own opener.
 */
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { digestOf } from '../blobs/index.ts';
import { parseRepositoryName, parseTag, type RepositoryName } from './names.ts';
import { app, documentOf, layerOf, putBlob, putImage, putManifest, sweepAll } from './store.fixture.ts';
import type { RegistryStore, RegistryStoreLimits } from './types.ts';

/** A place for one store, empty at first. */
export interface RegistryStorePlace {
  /** @param now epoch milliseconds */
  open(limits: Partial<RegistryStoreLimits>, now: () => number): Promise<RegistryStore>;
  /** Removes it. The store on it must be closed. */
  dispose(): Promise<void>;
}

const foreign = parseRepositoryName('other/app');
const numbers = (count: number) => Array.from({ length: count }, (_, index) => index);
const repositoryOf = (index: number): RepositoryName => parseRepositoryName(`guest/r${index}`);
const bytesOf = (index: number) => Buffer.alloc(10_000, index + 1);
const exhausted = { status: 'rejected', reason: { code: 'STORAGE_EXHAUSTED' } };

/** Number of fulfilled promises; the others must have been refused for lack of quota. */
function countTaken(outcomes: readonly PromiseSettledResult<unknown>[]): number {
  const refused = outcomes.filter(({ status }) => status === 'rejected');
  expect(refused).toMatchObject(refused.map(() => exhausted));
  return outcomes.length - refused.length;
}

export function registryStoreSuite(name: string, makePlace: () => Promise<RegistryStorePlace>): void {
  describe(name, () => {
    let place: RegistryStorePlace;
    let store: RegistryStore;
    let at = 1_000_000_000_000;
    beforeEach(async () => {
      place = await makePlace();
    });
    afterEach(async () => {
      await store.close();
      await place.dispose();
    });
    const open = async (limits: Partial<RegistryStoreLimits> = {}) => {
      store = await place.open(limits, () => at);
      return store;
    };
    const pass = (ms: number) => {
      at += ms;
    };
    describe('limits', () => limitTests(open));
    describe('parts of manifests', () => partTests(open));
    describe('links', () => linkTests(open));
    describe('a sweep', () => sweepTests(open, pass));
  });
}

type Open = (limits?: Partial<RegistryStoreLimits>) => Promise<RegistryStore>;

function limitTests(open: Open): void {
  it('of bytes hold for concurrent writes', async () => {
    const store = await open({ bytesPerNamespace: 35_000 });
    for (const index of numbers(3)) await putBlob(store, foreign, bytesOf(index));
    for (const index of numbers(5))
      await putBlob(store, parseRepositoryName(`n${index}/app`), bytesOf(index));
    const from = (index: number) => parseRepositoryName(`n${index}/app`);
    const mounted = await Promise.allSettled(
      numbers(5).map((index) => store.mountBlob(repositoryOf(index), digestOf(bytesOf(index)), from(index))),
    );
    expect(countTaken(mounted)).toBe(3);
    expect(await store.usage('guest')).toBe(30_000);
  });

  it('of bytes count a blob once, even if it enters many repositories at once', async () => {
    const store = await open({ bytesPerNamespace: 15_000 });
    await putBlob(store, foreign, bytesOf(0));
    const mount = (index: number) => store.mountBlob(repositoryOf(index), digestOf(bytesOf(0)), foreign);
    expect(await Promise.all(numbers(6).map(mount))).toEqual(numbers(6).map(() => true));
    expect(await store.usage('guest')).toBe(10_000);
    await Promise.all(numbers(6).map((index) => store.deleteBlob(repositoryOf(index), digestOf(bytesOf(0)))));
    expect(await store.usage('guest')).toBe(0);
  });

  it('of repositories hold for concurrent writes', async () => {
    const store = await open({ repositoriesPerNamespace: 2 });
    await putBlob(store, foreign, bytesOf(0));
    const mount = (index: number) => store.mountBlob(repositoryOf(index), digestOf(bytesOf(0)), foreign);
    expect(countTaken(await Promise.allSettled(numbers(5).map(mount)))).toBe(2);
  });

  it('of tags hold for concurrent writes', async () => {
    const store = await open({ tagsPerRepository: 3 });
    const image = await putImage(store, app, [layerOf('a')]);
    const tag = (index: number) => putManifest(store, app, image, `t${index}`);
    expect(countTaken(await Promise.allSettled(numbers(6).map(tag)))).toBe(3);
    expect((await store.listTags(app, { after: '', limit: 10 })).items).toHaveLength(3);
  });
}

function partTests(open: Open): void {
  it.each(['before', 'meanwhile', 'after'])(
    'when a blob is deleted %s its manifest is pushed, the deletion or the push fails',
    async (when) => {
      const store = await open();
      for (const round of numbers(5)) {
        const layer = layerOf(`layer ${round}`);
        const { document, blobs } = documentOf([layer]);
        for (const blob of blobs) await putBlob(store, app, blob);
        const deletion = Promise.withResolvers<void>();
        const remove = () => deletion.resolve(store.deleteBlob(app, digestOf(layer.packed)));
        if (when === 'before') remove();
        const push = store.putManifest({
          ...{ repository: app, document, tags: [] },
          admit: async () => {
            if (when === 'meanwhile') remove();
          },
        });
        if (when === 'after') push.then(remove, remove);
        const [pushed, deleted] = await Promise.allSettled([push, deletion.promise]);
        if (pushed.status === 'fulfilled') {
          expect(deleted).toMatchObject({ status: 'rejected', reason: { code: 'CONTENT_IN_USE' } });
          expect(await store.blobSize(app, digestOf(layer.packed), 'accepted')).toBe(layer.packed.length);
        } else {
          expect(pushed.reason).toMatchObject({ code: 'MANIFEST_PART_UNKNOWN' });
          expect(deleted.status).toBe('fulfilled');
          await expect(store.findManifest(app, document.digest)).rejects.toMatchObject({
            code: 'MANIFEST_UNKNOWN',
          });
        }
      }
    },
  );

  it('a manifest is deleted once', async () => {
    const store = await open();
    const image = await putImage(store, app, [layerOf('a')], 'v1');
    const remove = () => store.deleteManifest(app, image.digest);
    const outcomes = await Promise.allSettled([remove(), remove()]);
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(outcomes.find(({ status }) => status === 'rejected')).toMatchObject({
      reason: { code: 'MANIFEST_UNKNOWN' },
    });
    expect(await store.usage('guest')).toBe(2 * 4096);
  });

  it('a tag that two pushes set names one of their images, and both images exist', async () => {
    const store = await open();
    const images = await Promise.all(['a', 'b'].map((text) => putImage(store, app, [layerOf(text)], 'v1')));
    const { digest } = await store.findManifest(app, parseTag('v1'));
    expect(images.map((image) => image.digest)).toContain(digest);
    for (const image of images)
      expect((await store.findManifest(app, image.digest)).size).toBe(image.bytes.length);
  });
}

function linkTests(open: Open): void {
  it('a repository has only blobs that were pushed to it or mounted from its own namespace', async () => {
    const store = await open();
    const [first, second] = [repositoryOf(1), repositoryOf(2)];
    const digest = await putBlob(store, first, bytesOf(0));
    await expect(store.blobSize(second, digest)).rejects.toMatchObject({ code: 'BLOB_UNKNOWN' });
    expect(await store.mountBlob(foreign, digest)).toBe(false);
    expect(await store.mountBlob(second, digest, foreign)).toBe(false);
    expect(await store.mountBlob(second, digest)).toBe(true);
    expect(await store.blobSize(second, digest)).toBe(10_000);
    await expect(store.blobSize(second, digest, 'accepted')).rejects.toMatchObject({ code: 'BLOB_UNKNOWN' });
    await store.deleteBlob(first, digest);
    await expect(store.deleteBlob(first, digest)).rejects.toMatchObject({ code: 'BLOB_UNKNOWN' });
    expect(await store.blobSize(second, digest)).toBe(10_000);
  });
}

function sweepTests(open: Open, pass: (ms: number) => void): void {
  it('keeps a blob that is mounted meanwhile, or removes it before the mount', async () => {
    const store = await open({ graceMs: 1000 });
    const blobs = numbers(8).map((index) => Buffer.from(`blob ${index}`));
    for (const blob of blobs) await putBlob(store, app, blob);
    pass(2000);
    const mount = async (blob: Buffer) => {
      const digest = digestOf(blob);
      if (!(await store.mountBlob(repositoryOf(1), digest, app))) return;
      expect(await store.blobSize(repositoryOf(1), digest)).toBe(blob.length);
      expect(await buffer(await store.openBlob(digest))).toEqual(blob);
    };
    const [swept] = await Promise.all([store.sweep(sweepAll), ...blobs.map(mount)]);
    const held = (await store.usage('guest')) / 4096;
    expect(swept.blobs + held).toBe(blobs.length);
  });

  it('that two callers start at once removes each blob once', async () => {
    const store = await open({ graceMs: 1000 });
    for (const index of numbers(5)) await putBlob(store, app, bytesOf(index));
    await putImage(store, app, [layerOf('kept')], 'v1');
    pass(2000);
    const both = await Promise.all([store.sweep(sweepAll), store.sweep(sweepAll)]);
    expect(both.reduce((sum, { blobs }) => sum + blobs, 0)).toBe(5);
    expect(await store.usage('guest')).toBe(3 * 4096);
    expect((await store.findManifest(app, parseTag('v1'))).digest).toMatch(/^sha256:/);
  });
}
