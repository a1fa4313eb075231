import { mkdtempDisposable, readdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { digestHex, digestOf, openBlobStore } from '../../blobs/index.ts';
import { type FaultProxy, startFaultProxy } from '../../blobs/s3/fault-proxy.fixture.ts';
import { missingForMoto, startMoto, type TestServer, testBucket } from '../../blobs/s3/moto.fixture.ts';
import { randomHex, silentLog, tryFileLock } from '../../lib/index.ts';
import { openPostgresStore, openStore, writeFolderMark } from '../../store/index.ts';
import { newDatabase } from '../../store/postgres/databases.fixture.ts';
import { missingForPostgres, startPostgres } from '../../store/postgres/server.fixture.ts';
import { dataPaths } from '../instance/instance.ts';
import { openServerBlobs } from '../stores/shared-blobs.ts';
import { migrateBlobs } from './blobs.ts';
import { migrateBlobsBack } from './blobs-back.ts';

let missing: string | undefined;
let moto: TestServer;
let proxy: FaultProxy;

beforeEach((context) => context.skip(missing !== undefined, missing));
beforeAll(async () => {
  missing = await missingForMoto();
  if (missing !== undefined) return;
  moto = await startMoto();
  proxy = await startFaultProxy(moto.url);
}, 60_000);
afterAll(async () => {
  vi.unstubAllEnvs();
  await proxy?.[Symbol.asyncDispose]();
  await moto?.[Symbol.asyncDispose]();
});

const id = 'a'.repeat(32);

/** A data folder that was used, and a place in the bucket. */
async function openFolder() {
  const folder = await mkdtempDisposable(join(tmpdir(), 'ward-move-'));
  const prefix = `m-${randomHex(4)}`;
  const paths = dataPaths(folder.path);
  await openStore({ path: paths.database }).then((store) => store.close());
  writeFolderMark(paths.database, id);
  vi.stubEnv('WARD_BLOBS', `s3://${testBucket}/${prefix}?endpoint=${proxy.url}`);
  proxy.breakage = () => undefined;
  const steps: string[] = [];
  return {
    ...{ paths, prefix, steps },
    code: openBlobStore(paths.code),
    registry: openBlobStore(paths.registry),
    move: (signal = new AbortController().signal) =>
      migrateBlobs({ dataDir: folder.path, signal, onStep: (text) => steps.push(text) }),
    back: () =>
      migrateBlobsBack({
        dataDir: folder.path,
        signal: new AbortController().signal,
        onStep: (text) => steps.push(text),
      }),
    /** As a start without the setting does. */
    open: () => openServerBlobs({ dataDir: folder.path, blobs: undefined }, () => {}, silentLog),
    keys: async () => (await moto.keys(prefix)).map((key) => key.slice(prefix.length + 1)).toSorted(),
    [Symbol.asyncDispose]: () => folder.remove(),
  };
}

const requests = (method: string) =>
  proxy.requests.filter((each) => each.method === method).map(({ path }) => path);

it('blobs are in the bucket, and their folders have another name', async () => {
  await using folder = await openFolder();
  for (const text of ['one', 'two', '']) await folder.code.put(Buffer.from(text));
  const layer = await folder.registry.put(Buffer.alloc(9_000_000, 'layer'));
  const moved = await folder.move();
  expect(moved).toMatchObject({
    isComplete: true,
    places: [
      { kind: 'code', blobs: 3, bytes: 6, sent: 3, damaged: [] },
      { kind: 'registry', blobs: 1, bytes: 9_000_000, sent: 1, damaged: [] },
    ],
  });
  expect(await folder.keys()).toEqual(
    [
      ...['one', 'two', ''].map((text) => `code/sha256/${digestHex(digestOf(text))}`),
      ...[`owners/${id}`, `registry/sha256/${digestHex(layer)}`],
    ].toSorted(),
  );
  for (const dir of [folder.paths.code, folder.paths.registry])
    expect(await readdir(dir)).toEqual(['blobs.moved']);
  expect(folder.steps.at(-1)).toBe('moving registry: 1 blobs, 8.6 MiB');
  expect(await folder.move()).toMatchObject({ isComplete: true, places: [{ blobs: 0 }, { blobs: 0 }] });
});

it('an interrupted run is repeated, sends only what is not whole in the bucket, and moves nothing before', async () => {
  await using folder = await openFolder();
  const digests = [];
  for (const text of ['one', 'two', 'three']) digests.push(await folder.code.put(Buffer.from(text)));
  const [one = digestOf(''), two = digestOf(''), three = digestOf('')] = digests;
  const keyOf = (digest: typeof one) => `code/sha256/${digestHex(digest)}`;
  proxy.breakage = ({ method, path }) =>
    method === 'PUT' && path.includes(digestHex(two))
      ? { kind: 'instead', status: 403, body: '' }
      : undefined;
  await expect(folder.move()).rejects.toMatchObject({ code: 'BLOB_STORE_REFUSED' });
  expect(await readdir(folder.paths.code)).toEqual(['blobs']);
  await moto.put(`${folder.prefix}/${keyOf(one)}`, 'one');
  await moto.put(`${folder.prefix}/${keyOf(three)}`, 'THREE');
  proxy.breakage = () => undefined;
  proxy.requests.length = 0;
  expect(await folder.move()).toMatchObject({ places: [{ blobs: 3, sent: 2 }, {}] });
  expect(requests('PUT').filter((path) => path.includes('/code/'))).toHaveLength(2);
  expect(String(await moto.get(`${folder.prefix}/${keyOf(three)}`))).toBe('three');
});

it('a running server keeps its folder, and damaged files are told and left', async () => {
  await using folder = await openFolder();
  const bad = await folder.code.put(Buffer.from('good'));
  await writeFile(join(folder.paths.code, 'blobs', 'sha256', digestHex(bad)), 'evil');
  {
    using _ = tryFileLock(folder.paths.lock);
    expect(await folder.move()).toMatchObject({ isComplete: false, places: [{ damaged: [bad] }, {}] });
    expect(await readdir(folder.paths.code)).toEqual(['blobs']);
  }
  expect(await folder.move()).toMatchObject({ isComplete: true, places: [{ damaged: [bad] }, {}] });
  expect(await folder.keys()).toEqual([`owners/${id}`]);
  await folder.code.put(Buffer.from('again'));
  await expect(folder.move()).rejects.toMatchObject({ code: 'MIGRATE_REFUSED' });
});

it('a bucket of another database, and a missing setting, are refused', async () => {
  await using folder = await openFolder();
  await folder.code.put(Buffer.from('mine'));
  await moto.put(`${folder.prefix}/owners/${'b'.repeat(32)}`, '');
  await expect(folder.move()).rejects.toMatchObject({ code: 'BLOBS_OTHER_STORE' });
  expect(await folder.keys()).toEqual([`owners/${'b'.repeat(32)}`]);
  vi.stubEnv('WARD_BLOBS', undefined);
  await expect(folder.move()).rejects.toMatchObject({ code: 'MIGRATE_REFUSED' });
});

it('blobs come back from the bucket, which then belongs to no database', async () => {
  await using folder = await openFolder();
  const code = await folder.code.put(Buffer.from('one'));
  const layer = await folder.registry.put(Buffer.alloc(9_000_000, 'layer'));
  await folder.move();
  const { length } = folder.steps;
  expect(await folder.back()).toMatchObject({
    isComplete: true,
    places: [
      { kind: 'code', blobs: 1, bytes: 3, sent: 1, damaged: [] },
      { kind: 'registry', blobs: 1, bytes: 9_000_000, sent: 1, damaged: [] },
    ],
  });
  expect(folder.steps.slice(length)).toEqual([
    'moving code: 1 blobs, 3 B',
    'moving registry: 1 blobs, 8.6 MiB',
  ]);
  expect(String(await folder.code.get(code))).toBe('one');
  expect((await folder.registry.get(layer)).equals(Buffer.alloc(9_000_000, 'layer'))).toBe(true);
  for (const dir of [folder.paths.code, folder.paths.registry])
    expect((await readdir(dir)).toSorted()).toEqual(['blobs', 'blobs.moved']);
  expect(await folder.open()).toBeUndefined();
  expect(await folder.keys()).toHaveLength(2);
  await expect(folder.back()).rejects.toMatchObject({
    code: 'MIGRATE_REFUSED',
    message: expect.stringContaining('no blobs of this database'),
  });
});

it('an interrupted way back is repeated, fetches only what is not whole, and until then no Ward starts on it', async () => {
  await using folder = await openFolder();
  const [one, two, three] = [
    await folder.code.put(Buffer.from('one')),
    await folder.code.put(Buffer.from('two')),
    await folder.code.put(Buffer.from('three')),
  ];
  await folder.move();
  proxy.breakage = ({ method, path }) =>
    method === 'GET' && path.includes(digestHex(two))
      ? { kind: 'instead', status: 403, body: '' }
      : undefined;
  await expect(folder.back()).rejects.toMatchObject({ code: 'BLOB_STORE_REFUSED' });
  expect((await readdir(folder.paths.code)).toSorted()).toEqual(['blobs.coming', 'blobs.moved']);
  await expect(folder.open()).rejects.toMatchObject({
    code: 'BLOBS_NOT_MOVED',
    hint: expect.stringContaining('--to folder'),
  });
  const coming = join(folder.paths.code, 'blobs.coming', 'blobs', 'sha256');
  await writeFile(join(coming, digestHex(one)), 'one');
  await writeFile(join(coming, digestHex(three)), 'THREE');
  await writeFile(join(coming, '.tmp-0'), 'half');
  proxy.breakage = () => undefined;
  proxy.requests.length = 0;
  expect(await folder.back()).toMatchObject({ isComplete: true, places: [{ blobs: 3, sent: 2 }, {}] });
  expect(requests('GET').filter((path) => path.includes('/code/sha256/'))).toHaveLength(2);
  expect((await readdir(join(folder.paths.code, 'blobs', 'sha256'))).toSorted()).toEqual(
    [one, two, three].map(digestHex).toSorted(),
  );
  expect(String(await folder.code.get(three))).toBe('three');
});

it('a way back that ended between its two folders is completed', async () => {
  await using folder = await openFolder();
  await folder.code.put(Buffer.from('one'));
  await folder.registry.put(Buffer.from('two'));
  await folder.move();
  await folder.code.put(Buffer.from('one'));
  expect(await folder.back()).toMatchObject({ isComplete: true, places: [{ sent: 0 }, { sent: 1 }] });
  expect((await readdir(folder.paths.code)).toSorted()).toEqual(['blobs', 'blobs.moved']);
});

it('a running server keeps its bucket, damaged objects are told, and a wrong prefix is refused', async () => {
  await using folder = await openFolder();
  const good = await folder.code.put(Buffer.from('good'));
  const bad = await folder.code.put(Buffer.from('evil'));
  await folder.move();
  await moto.put(`${folder.prefix}/code/sha256/${digestHex(bad)}`, 'EVIL');
  {
    using _ = tryFileLock(folder.paths.lock);
    expect(await folder.back()).toMatchObject({ isComplete: false, places: [{ damaged: [bad] }, {}] });
    expect(await readdir(folder.paths.code)).not.toContain('blobs');
    expect(await folder.keys()).toContain(`owners/${id}`);
  }
  expect(await folder.back()).toMatchObject({ isComplete: true, places: [{ damaged: [bad] }, {}] });
  expect(await readdir(join(folder.paths.code, 'blobs', 'sha256'))).toEqual([digestHex(good)]);
  await moto.put(`${folder.prefix}/owners/${'b'.repeat(32)}`, '');
  await expect(folder.back()).rejects.toMatchObject({ code: 'BLOBS_OTHER_STORE' });
});

it('a way back does not end while another machine works on the database', async (context) => {
  context.skip((await missingForPostgres()) !== undefined, 'needs PostgreSQL');
  await using server = await startPostgres();
  const { url } = await newDatabase(server);
  await using folder = await openFolder();
  vi.stubEnv('WARD_STORE', url);
  await using other = await openPostgresStore({ url });
  await other.namespaces.create({
    name: 'guest',
    keyId: 'k',
    keyHash: 'h',
    limits: {},
    settings: {},
    createdAt: 1,
  });
  await folder.code.put(Buffer.from('one'));
  await folder.move();
  await other.accepted.extend({ node: 'a', leaseMs: 60_000 });
  expect(await folder.back()).toMatchObject({ isComplete: false });
  await other.accepted.leave('a');
  expect(await folder.back()).toMatchObject({ isComplete: true, places: [{ blobs: 1, sent: 0 }, {}] });
});
