/** The registry's store in PostgreSQL, on a private server, with several servers of Ward on one database. */
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { type BlobStore, type Digest, digestOf, openBlobStore, parseAnyDigest } from '../src/blobs/index.ts';
import { openBlobFiles } from '../src/content/content.ts';
import { parseRepositoryName, parseTag } from '../src/content/names.ts';
import { openPostgresRegistry } from '../src/content/postgres/database.ts';
import { registryStoreSuite } from '../src/content/registry-store.suite.ts';
import { openRegistryStore } from '../src/content/registry-store.ts';
import { registryChecks } from '../src/content/sqlite/check.ts';
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
} from '../src/content/store.fixture.ts';
import { sweepSuite } from '../src/content/sweep.suite.ts';
import { indexMediaType } from '../src/images/index.ts';
import {
  copiesOf,
  newDatabase,
  type TestDatabase,
  transactionOn,
} from '../src/store/postgres/databases.fixture.ts';
import { openPostgresStore } from '../src/store/postgres/open.ts';
import { missingForPostgres, startPostgres } from '../src/store/postgres/server.fixture.ts';
import { registryPlans } from './registry-plans.ts';

const missing = await missingForPostgres();
const server = missing === undefined ? await startPostgres() : undefined;
afterAll(() => server?.[Symbol.asyncDispose]());

const migratedDatabase = copiesOf(server, async (url) => {
  await openPostgresRegistry({ url }).then((db) => db.close());
});

/** Sentences about rows that do not fit together, and blobs that a repository has although they are doomed. */
async function problemsIn(url: string): Promise<readonly unknown[]> {
  await using other = await transactionOn(url);
  await other.query('set search_path = registry');
  const found = [];
  for (const { sql } of registryChecks) found.push(...(await other.query(sql)));
  return [
    ...found,
    ...(await other.query(
      'select digest from holdings join blobs using (digest) where doomed_at is not null',
    )),
  ];
}

type TwoStores = TestStore & TestDatabase;

/** Two servers over one database and one store of bytes. One pushes, and the other sweeps. */
async function openTwo({ wrapBlobs, ...options }: TestStoreOptions = {}): Promise<TwoStores> {
  const { name, url } = await migratedDatabase();
  const dir = await mkdtemp(join(tmpdir(), 'ward-registry-pg-'));
  const files = await openBlobFiles(dir);
  const blobs = wrapBlobs?.(files) ?? files;
  const [store, sweeper] = await Promise.all(
    ['one', 'two'].map((node) =>
      openRegistryStore({ ...options, dir: join(dir, node), blobs, database: { kind: 'postgres', url } }),
    ),
  );
  if (store === undefined || sweeper === undefined) throw new Error('no stores');
  return {
    ...{ dir, url, name, store, sweeper },
    files: async () => new Set((await readdir(join(dir, 'blobs/sha256'))).map((hex) => `sha256:${hex}`)),
    async [Symbol.asyncDispose]() {
      await Promise.all([store.close(), sweeper.close()]);
      expect(await problemsIn(url)).toEqual([]);
      await server?.admin(`drop database ${name} with (force)`);
      await rm(dir, { recursive: true });
    },
  };
}

describe.skipIf(missing !== undefined)(`PostgreSQL${missing ? ` (${missing})` : ''}`, () => {
  registryStoreSuite('several at a time, with PostgreSQL', async () => {
    const { name, url } = await migratedDatabase();
    const dir = await mkdtemp(join(tmpdir(), 'ward-registry-pg-'));
    return {
      open: (limits, now) => openRegistryStore({ dir, limits, now, database: { kind: 'postgres', url } }),
      async dispose() {
        expect(await problemsIn(url)).toEqual([]);
        await server?.admin(`drop database ${name} with (force)`);
        await rm(dir, { recursive: true });
      },
    };
  });
  sweepSuite('a sweep by another server, with PostgreSQL', openTwo, 12);
  describe('two servers on one database', twoServers);
  describe('uploads to several servers', sharedUploads);
  describe('the database', opening);
});

/** Epoch milliseconds at which content of the tests is older than every grace. */
const later = 1_000_010_000_000;

function twoServers(): void {
  const other = parseRepositoryName('other/app');
  const [big, bigger] = [Buffer.alloc(10_000, 1), Buffer.alloc(10_000, 2)];
  let clock: { at: number };
  beforeEach(() => {
    clock = { at: 1_000_000_000_000 };
  });
  const open = (limits = {}) =>
    openTwo({ now: () => clock.at, limits: { graceMs: 1000, doomedMs: 0, ...limits } });

  /** Starts all while a transaction has the row, and lets them go when each waits for a lock. */
  const allAtOnce = async <T>(url: string, row: string, begin: readonly (() => Promise<T>)[]) => {
    await using holder = await transactionOn(url);
    expect(await holder.query(`select from registry.${row} for update`)).not.toHaveLength(0);
    const begun: Promise<PromiseSettledResult<T>>[] = [];
    for (const each of begin) {
      begun.push(Promise.allSettled([each()]).then(([outcome]) => outcome));
      await holder.untilWaiting(begun.length);
    }
    await holder.query('commit');
    return await Promise.all(begun);
  };
  const ofGuest = `usage where namespace = 'guest'`;

  test('let in only one of two pushes that do not fit together', async () => {
    await using two = await open({ bytesPerNamespace: 20_000 });
    await putBlob(two.store, app, Buffer.from('first'));
    const outcomes = await allAtOnce(two.url, ofGuest, [
      () => putBlob(two.store, app, big),
      () => putBlob(two.sweeper, parseRepositoryName('guest/second'), bigger),
    ]);
    expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    expect(outcomes.find(({ status }) => status === 'rejected')).toMatchObject({
      reason: { code: 'STORAGE_EXHAUSTED' },
    });
    expect(await two.store.usage('guest')).toBe(4096 + 10_000);
  });

  test('keep a manifest whole when the other sweeps its parts', async () => {
    await using two = await open();
    const { document, blobs } = documentOf([layerOf('a')]);
    for (const blob of blobs) await putBlob(two.store, app, blob);
    clock.at = later;
    const [pushed] = await allAtOnce<unknown>(two.url, ofGuest, [
      () => putManifest(two.store, app, document, 'v1'),
      () => two.sweeper.sweep(sweepAll),
    ]);
    expect(pushed).toMatchObject({ status: 'fulfilled' });
    await two.sweeper.sweep(sweepAll);
    expect((await two.store.findImage(app, parseTag('v1'))).layers).toHaveLength(1);
    for (const blob of blobs)
      expect(await two.store.blobSize(app, digestOf(blob), 'accepted')).toBe(blob.length);
  });

  test('tell each other for which images the signatures may have changed', async () => {
    await using two = await open();
    await using state = await openPostgresStore({ url: two.url });
    const { store } = two;
    let { position } = await state.changes.since();
    const told = async () => {
      const found = await state.changes.since(position);
      position = found.position;
      expect(new Set(found.changes?.map(({ kind }) => kind))).toEqual(new Set(['evidence']));
      return new Set(found.changes?.map(({ path }) => path));
    };
    const tagOf = (digest: Digest, suffix: string) => `sha256-${digest.slice('sha256:'.length)}.${suffix}`;
    const image = await putImage(store, app, [layerOf('a')], 'v1');
    expect(await told()).toEqual(new Set([image.digest]));
    await putManifest(store, app, image, 'v2');
    await store.deleteManifest(app, parseTag('v2'));
    const described = { mediaType: image.mediaType, digest: image.digest, size: image.bytes.length };
    const index = await store.readDocument(
      Buffer.from(JSON.stringify({ schemaVersion: 2, manifests: [described] })),
      indexMediaType,
    );
    await putManifest(store, app, index, 'all');
    const [ofImage, ofIndex] = [new Set([image.digest]), new Set([index.digest, image.digest])];
    expect(await told()).toEqual(ofIndex);
    const signature = await putImage(store, app, [layerOf('sig')], tagOf(image.digest, 'sig'));
    expect(await told()).toEqual(new Set([signature.digest, image.digest]));
    await putManifest(store, app, signature, tagOf(index.digest, 'att'));
    expect(await told()).toEqual(ofIndex);
    // Something else takes the tag.
    await putManifest(store, app, image, tagOf(image.digest, 'sig'));
    expect(await told()).toEqual(ofImage);
    const subject = { mediaType: indexMediaType, digest: index.digest, size: index.bytes.length };
    const { document: referrer } = documentOf([layerOf('a')], { subject });
    await putManifest(store, app, referrer);
    expect(await told()).toEqual(new Set([referrer.digest, ...ofIndex]));
    await store.deleteManifest(app, referrer.digest);
    expect(await told()).toEqual(new Set([referrer.digest, ...ofIndex]));
    await store.deleteManifest(app, parseTag(tagOf(image.digest, 'sig')));
    expect(await told()).toEqual(ofImage);
    await store.deleteManifest(app, signature.digest);
    expect(await told()).toEqual(new Set([signature.digest, ...ofIndex]));
    await store.deleteManifest(app, index.digest);
    expect(await told()).toEqual(ofIndex);
    await store.forgetNamespace('guest', clock.at + 1);
    expect(await told()).toEqual(ofImage);
  });

  test('refuse a manifest whose parts the other has just swept', async () => {
    await using two = await open();
    const { document, blobs } = documentOf([layerOf('a')]);
    for (const blob of blobs) await putBlob(two.store, app, blob);
    clock.at = later;
    const [, pushed] = await allAtOnce<unknown>(two.url, `links where repository = '${app}'`, [
      () => two.sweeper.sweep(sweepAll),
      () => putManifest(two.store, app, document, 'v1'),
    ]);
    expect(pushed).toMatchObject({ reason: { code: 'MANIFEST_PART_UNKNOWN' } });
  });

  test('keep a blob that one mounts while the other dooms it', async () => {
    await using two = await open({ graceMs: 0 });
    const digest = await putBlob(two.store, other, big);
    clock.at = later;
    const [mounted] = await allAtOnce<unknown>(two.url, `blobs where digest = '${digest}'`, [
      () => two.store.mountBlob(app, digest, other),
      async () => {
        clock.at++;
        await two.sweeper.deleteBlob(other, digest);
        await two.sweeper.sweep(sweepAll);
      },
    ]);
    expect(mounted).toMatchObject({ status: 'fulfilled', value: true });
    expect(await problemsIn(two.url)).toEqual([]);
    expect(await buffer(await two.sweeper.openBlob(digest))).toEqual(big);
  });

  test('take bytes that a server of the version before made live although their removal had no answer', async () => {
    const wrapBlobs = (blobs: BlobStore): BlobStore => ({
      ...blobs,
      lateMs: 1000,
      delete: () => Promise.reject(new Error('no answer')),
    });
    await using two = await openTwo({ wrapBlobs, now: () => clock.at, limits: { graceMs: 0, doomedMs: 0 } });
    await putBlob(two.store, app, big);
    clock.at += 1;
    await expect(two.sweeper.sweep(sweepAll)).rejects.toThrow('no answer');
    await using old = await transactionOn(two.url);
    await old.query(`insert into registry.blobs (digest, size, touched_at) values ('${digestOf(big)}', 1, 1)
      on conflict (digest) do update set touched_at = excluded.touched_at, doomed_at = null`);
    await old.query('commit');
    expect(await putBlob(two.store, app, big)).toBe(digestOf(big));
    expect(await buffer(await two.store.openBlob(digestOf(big)))).toEqual(big);
  });

  test('name bytes again that the other doomed and revived at the same moment', async () => {
    let url = '';
    const doomed = new Set<Digest>();
    const doom = async (digest: Digest) => {
      if (doomed.has(digest)) return;
      doomed.add(digest);
      await server?.admin(doomUntilNextUpdate, url);
    };
    const dooming = (blobs: BlobStore): BlobStore => ({
      ...blobs,
      write() {
        const writer = blobs.write();
        const commit = writer.commit.bind(writer);
        return Object.assign(writer, { commit: (digest: Digest) => commit(digest).then(() => doom(digest)) });
      },
      async put(bytes) {
        const digest = await blobs.put(bytes);
        await doom(digest);
        return digest;
      },
    });
    await using two = await openTwo({ wrapBlobs: dooming });
    ({ url } = two);
    const { digest } = await putImage(two.store, app, [layerOf('a')], 'v1');
    expect(await two.sweeper.findManifest(app, parseTag('v1'))).toMatchObject({ digest });
  });

  test('move one tag, and know each other’s changes at once', async () => {
    await using two = await open();
    const images = [
      await putImage(two.store, app, [layerOf('a')]),
      await putImage(two.sweeper, app, [layerOf('b')]),
    ];
    for (let round = 0; round < 5; round++) {
      const puts = [two.store, two.sweeper].map((store, at) =>
        putManifest(store, app, images[at] ?? documentOf([]).document, 'v1'),
      );
      await Promise.all(puts);
      const found = await Promise.all(
        [two.store, two.sweeper].map((store) => store.findManifest(app, parseTag('v1'))),
      );
      expect(images.map(({ digest }) => digest)).toContain(found[0]?.digest);
      expect(found[1]).toEqual(found[0]);
    }
  });

  test('do not wait for each other forever, whatever they do at once', async () => {
    await using two = await openTwo({ limits: { graceMs: 0, doomedMs: 0, untaggedMs: 1 } });
    const names = ['guest/a', 'guest/b', 'other/a'].map(parseRepositoryName);
    const layers = ['x', 'y', 'z'].map(layerOf);
    const work = async (store: typeof two.store, seed: number) => {
      for (let round = 0; round < 12; round++) {
        const name = names[(seed + round) % names.length] ?? app;
        const some = layers.filter((_, at) => (seed + round) % (at + 2) !== 0);
        const pushed = putImage(store, name, some, `t${round % 3}`);
        const deleted =
          round % 4 === 3 ? pushed.then(({ digest }) => store.deleteManifest(name, digest)) : pushed;
        await deleted.catch(expectRefusal);
        await store.mountBlob(names[(seed + 1) % names.length] ?? app, digestOf('x'), name);
        if (round % 3 === 2) await store.sweep(sweepAll);
      }
    };
    await Promise.all([0, 1, 2, 3].map((seed) => work(seed % 2 === 0 ? two.store : two.sweeper, seed)));
  });

  test('try a transaction again that PostgreSQL has ended because of a deadlock', async () => {
    await using two = await open();
    const digest = await putBlob(two.store, app, big);
    await server?.admin(`alter database ${two.name} set deadlock_timeout = '50ms'`);
    await using three = await openRegistryStore({
      ...{ dir: join(two.dir, 'three'), blobs: openBlobStore(two.dir) },
      database: { kind: 'postgres', url: two.url },
    });
    await using namespace = await transactionOn(two.url);
    await using blob = await transactionOn(two.url);
    await namespace.query(`select from registry.${ofGuest} for update`);
    await blob.query(`set deadlock_timeout = '1h'`);
    await blob.query(`select from registry.blobs where digest = '${digest}' for update`);
    // The push gets the row of the namespace and waits for that of the blob, whose holder waits for that of the namespace.
    const mounted = three.mountBlob(parseRepositoryName('guest/second'), digest, app);
    await namespace.untilWaiting(1);
    const wrongOrder = blob.query(`select from registry.${ofGuest} for update`);
    await namespace.untilWaiting(2);
    await namespace.query('commit');
    await wrongOrder;
    await blob.query('commit');
    expect(await mounted).toBe(true);
  });
}

/** Dooms all blobs. The next statement that updates blobs does not find them, and revives them. */
const doomUntilNextUpdate = `
  drop trigger if exists revive on registry.blobs;
  update registry.blobs set doomed_at = 1;
  create or replace function registry.revive() returns trigger language plpgsql as $$
    begin
      if pg_trigger_depth() = 1 then update registry.blobs set doomed_at = null; end if;
      return null;
    end $$;
  create trigger revive after update on registry.blobs execute function registry.revive();`;

const pieces = (bytes: Buffer | string) => Readable.from([Buffer.from(bytes)]);

function sharedUploads(): void {
  let clock: { at: number };
  beforeEach(() => {
    clock = { at: 1_000_000_000_000 };
  });
  const open = (limits = {}) =>
    openTwo({ now: () => clock.at, limits: { graceMs: 0, doomedMs: 0, ...limits } });
  const whole = 'first, second, third';

  test('go on at another server, and their chunks go when they are one blob', async () => {
    await using two = await open();
    const { id } = await two.store.startUpload(app);
    await (await two.store.upload(app, id)).append(pieces('first, '));
    const second = await two.sweeper.upload(app, id);
    expect(second.size).toBe(7);
    await second.append(pieces('second, '), { at: 7, length: 8 });
    await (await two.store.upload(app, id)).append(pieces('third'), { at: 15 });
    expect((await two.sweeper.upload(app, id)).size).toBe(whole.length);
    const last = await two.sweeper.upload(app, id);
    expect(await last.finish(digestOf(whole))).toBe(digestOf(whole));
    expect(String(await buffer(await two.store.openBlob(digestOf(whole))))).toBe(whole);
    await expect(two.store.upload(app, id)).rejects.toMatchObject({ code: 'UPLOAD_UNKNOWN' });
    expect((await two.files()).size).toBe(4);
    await putManifestOf(two, digestOf(whole));
    clock.at = later;
    expect(await two.sweeper.sweep(sweepAll)).toMatchObject({ blobs: 3 });
    expect(await two.files()).toContain(digestOf(whole));
  });

  test('of one chunk are complete with it, under either digest', async () => {
    await using two = await open();
    const sha512 = parseAnyDigest(`sha512:${createHash('sha512').update(whole).digest('hex')}`);
    for (const name of [digestOf(whole), sha512]) {
      const { id } = await two.store.startUpload(app);
      await (await two.store.upload(app, id)).append(pieces(whole));
      expect(await (await two.sweeper.upload(app, id)).finish(name)).toBe(digestOf(whole));
      expect(await two.store.resolveDigest(name)).toBe(digestOf(whole));
    }
    expect([...(await two.files())]).toEqual([digestOf(whole)]);
  });

  test('end well when their last write met a row that was doomed for a moment', async () => {
    await using two = await open();
    const upload = await two.store.startUpload(app);
    await upload.append(pieces(whole));
    await server?.admin(doomUntilNextUpdate, two.url);
    expect(await upload.finish(digestOf(whole))).toBe(digestOf(whole));
    expect(await two.store.blobSize(app, digestOf(whole))).toBe(whole.length);
  });

  test('without bytes make an empty blob', async () => {
    await using two = await open();
    const { id } = await two.store.startUpload(app);
    await (await two.sweeper.upload(app, id)).finish(digestOf(''));
    expect(await two.store.blobSize(app, digestOf(''))).toBe(0);
  });

  test('belong to the newest request, on whatever server it is', async () => {
    await using two = await open();
    const { id } = await two.store.startUpload(app);
    const slow = new Readable({ read() {} });
    slow.push(Buffer.from('old'));
    const old = (await two.store.upload(app, id)).append(slow);
    const lost = expect(old).rejects.toMatchObject({ code: 'UPLOAD_TAKEN_OVER' });
    const turnOf = async () => {
      await using other = await transactionOn(two.url);
      return (await other.query('select turn from registry.uploads'))[0];
    };
    await expect.poll(turnOf).not.toEqual({ turn: '' });
    const next = await two.sweeper.upload(app, id);
    await next.append(pieces('new'), { at: 0, length: 3 });
    slow.push(null);
    await lost;
    await expect(next.append(pieces('x'), { at: 9 })).rejects.toMatchObject({ code: 'UPLOAD_OUT_OF_ORDER' });
    expect(await next.finish(digestOf('new'))).toBe(digestOf('new'));
  });

  test('keep the bytes before their source failed, and end with a wrong digest', async () => {
    await using two = await open();
    const { id } = await two.store.startUpload(app);
    const cut = Readable.from(
      (async function* () {
        yield Buffer.from('first, ');
        throw new Error('cut off');
      })(),
    );
    await expect((await two.store.upload(app, id)).append(cut)).rejects.toThrow('cut off');
    const rest = await two.sweeper.upload(app, id);
    expect(rest.size).toBe(7);
    await rest.append(pieces('second'));
    await expect(rest.finish(digestOf('other'))).rejects.toMatchObject({ code: 'BLOB_DIGEST_WRONG' });
    await expect(two.store.upload(app, id)).rejects.toMatchObject({ code: 'UPLOAD_UNKNOWN' });
  });

  test('keep their chunks through sweeps until no data has come for too long', async () => {
    await using two = await open({ uploadIdleMs: 10_000 });
    const { id } = await two.store.startUpload(app);
    await (await two.store.upload(app, id)).append(pieces('chunk'));
    clock.at += 10_000;
    for (const _ of [1, 2]) expect(await two.sweeper.sweep(sweepAll)).toMatchObject({ blobs: 0 });
    expect([...(await two.files())]).toEqual([digestOf('chunk')]);
    clock.at++;
    await expect(two.store.upload(app, id)).rejects.toMatchObject({ code: 'UPLOAD_UNKNOWN' });
    expect(await two.sweeper.sweep(sweepAll)).toMatchObject({ blobs: 1 });
  });

  test('count towards the limits of their namespace, on all servers together', async () => {
    await using two = await open({ uploadsPerNamespace: 2, bytesPerNamespace: 100_000 });
    const started = [await two.store.startUpload(app), await two.sweeper.startUpload(app)];
    await expect(two.store.startUpload(app)).rejects.toMatchObject({ code: 'UPLOADS_EXHAUSTED' });
    await started[0]?.append(pieces(Buffer.alloc(60_000)));
    const exhausted = { code: 'STORAGE_EXHAUSTED' };
    await expect(started[1]?.append(pieces(Buffer.alloc(60_000)))).rejects.toMatchObject(exhausted);
    await started[0]?.cancel();
    await putBlob(two.sweeper, app, Buffer.alloc(90_000));
  });

  test('of an earlier namespace end with it', async () => {
    await using two = await open();
    const { id } = await two.store.startUpload(app);
    await two.sweeper.forgetNamespace('guest', clock.at + 1);
    await expect(two.store.upload(app, id)).rejects.toMatchObject({ code: 'UPLOAD_UNKNOWN' });
  });
}

/** An image with this blob as its layer, so that a sweep keeps the blob. */
async function putManifestOf({ store }: TwoStores, digest: Digest): Promise<void> {
  const layer = { packed: await buffer(await store.openBlob(digest)), plain: Buffer.alloc(0) };
  const { document, blobs } = documentOf([layer]);
  for (const blob of blobs) await putBlob(store, app, blob);
  await putManifest(store, app, document, 'v1');
}

/** With no grace, a sweep can be faster than a push. */
function expectRefusal(error: unknown): void {
  expect(error).toMatchObject({
    code: expect.stringMatching(/^(MANIFEST_PART_UNKNOWN|MANIFEST_UNKNOWN|UPLOAD_UNKNOWN)$/),
  });
}

function opening(): void {
  test('has the tables beside those of the main store, and several servers bring it up together', async () => {
    const { url } = await newDatabase(server);
    const stores = await Promise.all([
      ...[1, 2, 3].map(() => openPostgresRegistry({ url })),
      openPostgresStore({ url }),
    ]);
    for (const store of stores) await store.close();
    await openPostgresRegistry({ url }).then((db) => db.close());
  });

  test('reads no table whole, and walks its lists and sweeps along an index', async () => {
    const { url } = await migratedDatabase();
    const dir = await mkdtemp(join(tmpdir(), 'ward-registry-plans-'));
    const plans = await registryPlans(url, dir).finally(() => rm(dir, { recursive: true }));
    const walks = plans.filter(({ sql }) =>
      /order by (?:tag|name|digest|repository, digest|doomed_at, digest) limit/.test(sql),
    );
    expect(plans.length).toBeGreaterThan(40);
    expect(walks.length).toBeGreaterThan(6);
    const whole = plans.filter(({ nodes }) => nodes.some((node) => node.startsWith('Seq Scan')));
    expect(whole).toEqual([]);
    expect(walks.filter(({ nodes }) => nodes.some((node) => node.includes('Sort')))).toEqual([]);
  });

  test('of a newer Ward is refused', async () => {
    const { url } = await migratedDatabase();
    await server?.admin(`insert into registry.migrations values ('9999-future', '2099-01-01')`, url);
    await expect(openPostgresRegistry({ url })).rejects.toMatchObject({ code: 'STORE_NEWER' });
  });

  test('says the time, whatever the server’s clock says', async () => {
    const { url } = await migratedDatabase();
    await using other = await transactionOn(url);
    const db = await openPostgresRegistry({ url });
    vi.useFakeTimers({ now: 0, toFake: ['Date'] });
    try {
      const [before, at] = [
        await other.query('select extract(epoch from clock_timestamp()) * 1000 as at'),
        await db.now(),
      ];
      expect(at).toBeGreaterThanOrEqual(Math.floor(Number(Object(before[0]).at)));
      expect(at).toBeLessThan(Number(Object(before[0]).at) + 60_000);
    } finally {
      vi.useRealTimers();
      await db.close();
    }
  });
}
