/**
 * Tests for every implementation of `RegistryStore` under concurrency: limits, parts of manifests, links, sweeps.
 * Each runs them in its own test file, with its own opener.
 */
import { createHash } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Digest, digestOf, isSecondName } from '../blobs/index.ts';
import { indexMediaType } from '../images/index.ts';
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
const admit = async () => {};
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
    describe('lists', () => listTests(open));
    describe('entries of the audit log', () => notedTests(open));
    describe('a sweep', () => sweepTests(open, pass));
  });
}

type Open = (limits?: Partial<RegistryStoreLimits>) => Promise<RegistryStore>;

function notedTests(open: Open): void {
  it('name each push and deletion, with digests before and after', async () => {
    const store = await open();
    const tag = parseTag('v1');
    const { digest: first } = await putImage(store, app, [layerOf('1')], 'v1');
    const { digest: second } = await putImage(store, app, [layerOf('2')], 'v1');
    await expect(store.deleteManifest(app, parseTag('none'))).rejects.toThrow();
    await store.deleteManifest(app, tag);
    await store.deleteManifest(app, second);
    const entries = await store.unsealed.read(10);
    const before = { before: first };
    expect(entries.map(({ entry }) => entry)).toMatchObject([
      { event: 'push', name: `${app}:v1`, namespace: 'guest', before: '', after: first, actor: 'ward' },
      { event: 'push', name: `${app}:v1`, ...before, after: second },
      { event: 'delete-tag', name: `${app}:v1`, before: second },
      { event: 'delete-manifest', name: `${app}@${second}`, before: second },
    ]);
    await store.unsealed.drop(entries.slice(0, 3));
    expect((await store.unsealed.read(10)).map(({ id }) => id)).toEqual([entries[3]?.id]);
  });
}

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

  it('a mount can be limited to blobs that an accepted manifest needs where they are', async () => {
    const store = await open();
    const layer = layerOf('a');
    const digest = await putBlob(store, app, layer.packed);
    const mount = () => store.mountBlob(foreign, digest, app, 'accepted');
    expect(await mount()).toBe(false);
    await putImage(store, app, [layer]);
    expect(await mount()).toBe(true);
  });
}

function listTests(open: Open): void {
  const second = repositoryOf(2);

  it('of tags and repositories come in pages, in the order of bytes', async () => {
    const store = await open();
    const tags = ['B', 'a', '_', '10', 'a-1', 'a.1'];
    await putImage(store, app, [layerOf('a')], ...tags, 'a');
    await putImage(store, second, [layerOf('a')], 'x');
    await putImage(store, foreign, [layerOf('a')], 'x');
    await putBlob(store, repositoryOf(3), bytesOf(0));
    const pages: (readonly string[])[] = [];
    for (let after = ''; ; ) {
      const { items, hasMore } = await store.listTags(app, { after, limit: 4 });
      pages.push(items);
      if (!hasMore) break;
      after = items.at(-1) ?? '';
    }
    expect(pages).toEqual([
      ['10', 'B', '_', 'a'],
      ['a-1', 'a.1'],
    ]);
    await expect(store.listTags(repositoryOf(3), { after: '', limit: 4 })).rejects.toMatchObject({
      code: 'REPOSITORY_UNKNOWN',
    });
    const first = { after: '', limit: 1 };
    expect(await store.listRepositories(['guest/'], first)).toEqual({ items: [app], hasMore: true });
    const all = { after: '', limit: 9 };
    expect((await store.listRepositories(['other/', 'guest/r'], all)).items).toEqual([second, foreign]);
  });

  it('of referrers follow the second name of their subject, and filter by type', async () => {
    const store = await open();
    const image = await putImage(store, app, [layerOf('a')], 'v1');
    const name = `sha512:${createHash('sha512').update(image.bytes).digest('hex')}`;
    if (!isSecondName(name)) throw new Error('not a second name');
    await store.putManifest({
      ...{ repository: app, document: image, tags: [] },
      ...{ secondName: name, admit },
    });
    expect(await store.resolveDigest(name)).toBe(image.digest);
    const about = (artifactType: string) => {
      const subject = { mediaType: image.mediaType, digest: image.digest, size: image.bytes.length };
      return documentOf([layerOf('a')], { subject, artifactType, annotations: { of: artifactType } })
        .document;
    };
    for (const type of ['a/b', 'c/d']) await putManifest(store, app, about(type));
    const page = { after: '', limit: 9 };
    for (const subject of [image.digest, name]) {
      const { items } = await store.listReferrers(app, subject, undefined, page);
      expect(items.map(({ digest }) => digest)).toEqual(
        ['a/b', 'c/d'].map((of) => about(of).digest).toSorted(),
      );
      expect((await store.listReferrers(app, subject, 'c/d', page)).items).toEqual([
        {
          ...{ digest: about('c/d').digest, mediaType: image.mediaType, size: about('c/d').bytes.length },
          ...{ artifactType: 'c/d', annotations: { of: 'c/d' } },
        },
      ]);
    }
  });

  it('of companions find signatures beside an image and beside its indexes', async () => {
    const store = await open();
    const image = await putImage(store, app, [layerOf('a')], 'v1');
    const tagOf = (digest: Digest) => `sha256-${digest.slice('sha256:'.length)}.sig`;
    const signature = await putImage(store, app, [layerOf('sig')], tagOf(image.digest));
    const indexBytes = Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        manifests: [{ mediaType: image.mediaType, digest: image.digest, size: image.bytes.length }],
      }),
    );
    const index = await store.readDocument(indexBytes, indexMediaType);
    await putManifest(store, app, index, 'all');
    expect(await store.listIndexes(image.digest, '.sig')).toEqual([]);
    await putManifest(store, app, signature, tagOf(index.digest));
    expect(await store.listIndexes(image.digest, '.sig')).toEqual([index.digest]);
    const found = await store.listCompanions(image.digest, [parseTag(tagOf(image.digest))], ['x/y']);
    expect(found).toEqual([
      {
        ...{ repository: app, digest: signature.digest },
        ...{ mediaType: signature.mediaType, size: signature.bytes.length },
      },
    ]);
    expect((await store.listSubjects('.sig')).toSorted()).toEqual([image.digest, index.digest].toSorted());
  });

  it('of companions let namespaces take turns, and in each its repositories', async () => {
    const store = await open();
    const names = ['other/a', 'other/b', 'guest/app', 'guest/more'].map(parseRepositoryName);
    const signed = new Map<Digest, string>();
    let child: Digest | undefined;
    for (const repository of names) {
      const image = await putImage(store, repository, [layerOf('a')], 'v1');
      child = image.digest;
      for (const number of numbers(2)) {
        const described = { mediaType: image.mediaType, digest: image.digest, size: image.bytes.length };
        const annotations = { of: `${repository} ${number}` };
        const manifest = { schemaVersion: 2, manifests: [described], annotations };
        const index = await store.readDocument(Buffer.from(JSON.stringify(manifest)), indexMediaType);
        signed.set(index.digest, repository);
        await putManifest(store, repository, index);
        const about = { mediaType: indexMediaType, digest: index.digest, size: index.bytes.length };
        for (const subject of [described, about])
          await putManifest(store, repository, documentOf([layerOf('a')], { subject, annotations }).document);
      }
    }
    if (child === undefined) throw new Error('no image');
    const found = (await store.listCompanions(child, [], [])).map(({ repository }) => repository);
    const indexes = (await store.listIndexes(child, '.sig')).map((digest) => signed.get(digest));
    for (const order of [found, indexes]) {
      expect(order.toSorted()).toEqual(names.flatMap((name) => [name, name]).toSorted());
      for (const start of [0, 2, 4, 6])
        expect(
          order
            .slice(start, start + 2)
            .map((name) => name?.split('/')[0])
            .toSorted(),
        ).toEqual(['guest', 'other']);
      expect(new Set(order.slice(0, 4)).size).toBe(4);
    }
  });
}

function sweepTests(open: Open, pass: (ms: number) => void): void {
  it('keeps a blob that is mounted meanwhile, or removes it before the mount', async () => {
    const store = await open({ graceMs: 1000, doomedMs: 0 });
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
    const store = await open({ graceMs: 1000, doomedMs: 0 });
    for (const index of numbers(5)) await putBlob(store, app, bytesOf(index));
    await putImage(store, app, [layerOf('kept')], 'v1');
    pass(2000);
    const both = await Promise.all([store.sweep(sweepAll), store.sweep(sweepAll)]);
    expect(both.reduce((sum, { blobs }) => sum + blobs, 0)).toBe(5);
    expect(await store.usage('guest')).toBe(3 * 4096);
    expect((await store.findManifest(app, parseTag('v1'))).digest).toMatch(/^sha256:/);
  });
}
