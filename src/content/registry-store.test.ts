import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { describe, expect, it } from 'vitest';
import { blobPath, digestOf } from '../blobs/index.ts';
import { parseRepositoryName, parseTag } from './names.ts';
import { registryStoreSuite } from './registry-store.suite.ts';
import { openRegistryStore } from './registry-store.ts';
import {
  app,
  documentOf,
  layerOf,
  openTestStore,
  putBlob,
  putImage,
  putManifest,
  sweepAll,
  type TestLayer,
} from './store.fixture.ts';

const second = parseRepositoryName('guest/second');
const foreign = parseRepositoryName('other/app');
const v1 = parseTag('v1');

/** Yields `bytes` and then waits until it is ended. */
function endless(bytes: Buffer): Readable {
  const source = new Readable({ read() {} });
  source.push(bytes);
  return source;
}

registryStoreSuite('several at a time, with SQLite and files', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'ward-registry-store-'));
  return {
    open: (limits, now) => openRegistryStore({ dir, limits, now }),
    dispose: () => rm(dir, { recursive: true }),
  };
});

describe('an upload', () => {
  it('keeps the bytes before its source failed, and resumes there', async () => {
    await using test = await openTestStore();
    const bytes = randomBytes(1_200_000);
    const upload = await test.store.startUpload(app);
    const source = endless(bytes.subarray(0, 600_000));
    const appending = upload.append(source);
    while (upload.size === 0) await new Promise(setImmediate);
    source.push(bytes.subarray(600_000, 700_000));
    await new Promise(setImmediate);
    source.destroy(new Error('gone'));
    await expect(appending).rejects.toThrow('gone');
    expect(upload.size).toBe(700_000);
    await upload.append(Readable.from([bytes.subarray(700_000)]), { at: 700_000, length: 500_000 });
    await upload.finish(digestOf(bytes));
    expect(await buffer(await test.store.openBlob(digestOf(bytes)))).toEqual(bytes);
    await expect(test.store.upload(app, upload.id)).rejects.toMatchObject({ code: 'UPLOAD_UNKNOWN' });
  });

  it('is taken over by the newest request', async () => {
    await using test = await openTestStore();
    const upload = await test.store.startUpload(app);
    const hanging = upload.append(endless(Buffer.from('abc')));
    await new Promise(setImmediate);
    const next = upload.append(Readable.from([Buffer.from('def')]));
    await expect(hanging).rejects.toMatchObject({ code: 'UPLOAD_TAKEN_OVER' });
    await next;
    expect([3, 6]).toContain(upload.size);
  });

  it('ends when it can’t be written', async () => {
    await using test = await openTestStore();
    const upload = await test.store.startUpload(app);
    await rm(join(test.dir, 'uploads'), { recursive: true });
    await expect(upload.append(Readable.from([Buffer.from('x')]))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('is forgotten when no data arrives for too long', async () => {
    await using test = await openTestStore({ limits: { uploadIdleMs: 0 } });
    const idle = await test.store.startUpload(app);
    await idle.append(Readable.from([Buffer.from('x')]));
    const busy = await test.store.startUpload(app);
    const appending = busy.append(endless(Buffer.from('y'))).catch((error) => error);
    await new Promise(setImmediate);
    await test.store.startUpload(second);
    await expect(idle.finish(digestOf('x'))).rejects.toMatchObject({ code: 'UPLOAD_UNKNOWN' });
    expect(await test.store.upload(app, busy.id)).toBe(busy);
    await busy.cancel();
    expect(await appending).toMatchObject({ code: 'UPLOAD_TAKEN_OVER' });
  });

  it('counts towards the limit of its namespace', async () => {
    await using test = await openTestStore({ limits: { uploadsPerNamespace: 2 } });
    const first = await test.store.startUpload(app);
    await test.store.startUpload(second);
    await expect(test.store.startUpload(app)).rejects.toMatchObject({ code: 'UPLOADS_EXHAUSTED' });
    await test.store.startUpload(foreign);
    await first.cancel();
    await test.store.startUpload(app);
  });
});

describe('the bytes of a namespace', () => {
  const limits = { bytesPerNamespace: 100_000 };

  it('are counted once, and at least as one block', async () => {
    await using test = await openTestStore();
    await putBlob(test.store, app, Buffer.alloc(10_000));
    await putBlob(test.store, second, Buffer.alloc(10_000));
    await putBlob(test.store, app, Buffer.from('small'));
    expect(await test.store.usage('guest')).toBe(10_000 + 4096);
    await test.store.deleteBlob(app, digestOf(Buffer.alloc(10_000)));
    expect(await test.store.usage('guest')).toBe(10_000 + 4096);
    await test.store.deleteBlob(second, digestOf(Buffer.alloc(10_000)));
    expect(await test.store.usage('guest')).toBe(4096);
    expect(await test.store.usage('other')).toBe(0);
  });

  it('are limited: an announced blob is refused at once, a stream when it is too long', async () => {
    await using test = await openTestStore({ limits });
    const announced = await test.store.startUpload(app);
    const source = Readable.from([Buffer.alloc(100_001)]);
    await expect(announced.append(source, { length: 100_001 })).rejects.toMatchObject({
      code: 'STORAGE_EXHAUSTED',
      message: expect.stringMatching(/^guest uses 0 B of 97\.7 KiB in the registry/),
    });
    expect(announced.size).toBe(0);
    const streamed = await test.store.startUpload(app);
    const chunks = Array.from({ length: 20 }, () => Buffer.alloc(300_000));
    await expect(streamed.append(Readable.from(chunks))).rejects.toMatchObject({ code: 'STORAGE_EXHAUSTED' });
    await putBlob(test.store, app, Buffer.alloc(90_000));
    await putBlob(test.store, foreign, Buffer.alloc(90_000));
  });

  it('are limited by the namespace’s own quota', async () => {
    const allowed = new Map([['guest', 1000]]);
    await using test = await openTestStore({ limits, bytesAllowed: async (name) => allowed.get(name) });
    const refused = { code: 'STORAGE_EXHAUSTED', message: expect.stringContaining('of 1000 B') };
    await expect(putBlob(test.store, app, Buffer.alloc(100))).rejects.toMatchObject(refused);
    await putBlob(test.store, foreign, Buffer.alloc(90_000));
    await expect(test.store.mountBlob(app, digestOf(Buffer.alloc(90_000)), foreign)).rejects.toMatchObject(
      refused,
    );
    allowed.set('guest', 1_000_000);
    await putBlob(test.store, app, Buffer.alloc(100_000));
  });

  it('include running uploads', async () => {
    await using test = await openTestStore({ limits });
    const first = await test.store.startUpload(app);
    await first.append(Readable.from([Buffer.alloc(60_000)]));
    const other = await test.store.startUpload(second);
    await expect(other.append(Readable.from([Buffer.alloc(60_000)]))).rejects.toMatchObject({
      code: 'STORAGE_EXHAUSTED',
    });
    await first.cancel();
    await putBlob(test.store, second, Buffer.alloc(60_000));
  });

  it('limit mounts and the number of repositories, tags and manifests', async () => {
    const more = { ...limits, repositoriesPerNamespace: 1, tagsPerRepository: 2 };
    await using test = await openTestStore({ limits: more });
    const exhausted = { code: 'STORAGE_EXHAUSTED' };
    const image = await putImage(test.store, app, [layerOf('a')], 'a', 'b');
    await expect(putManifest(test.store, app, image, 'c')).rejects.toMatchObject(exhausted);
    await putManifest(test.store, app, image, 'b');
    await expect(test.store.mountBlob(second, digestOf('a'), app)).rejects.toMatchObject(exhausted);
    await expect(putBlob(test.store, second, Buffer.from('a'))).rejects.toMatchObject(exhausted);
    await putBlob(test.store, app, Buffer.alloc(80_000));
    const { document } = documentOf([layerOf('a')], { annotations: { a: 'x'.repeat(9000) } });
    await expect(putManifest(test.store, app, document)).rejects.toMatchObject(exhausted);
    await expect(test.store.findManifest(app, document.digest)).rejects.toMatchObject({
      code: 'MANIFEST_UNKNOWN',
    });
  });
});

describe('content on the disk', () => {
  it('is opened by one process at a time, and is complete when reopened', async () => {
    await using test = await openTestStore();
    await expect(openRegistryStore({ dir: test.dir })).rejects.toMatchObject({ code: 'IMAGE_STORE_BUSY' });
    const image = await putImage(test.store, app, [layerOf('a')], 'v1');
    const upload = await test.store.startUpload(app);
    await upload.append(Readable.from([Buffer.from('half')]));
    await test.store.close();
    await using again = await openRegistryStore({ dir: test.dir });
    expect((await again.findManifest(app, v1)).digest).toBe(image.digest);
    expect(await again.readManifest(image.digest)).toEqual(image.bytes);
    await expect(again.upload(app, upload.id)).rejects.toMatchObject({ code: 'UPLOAD_UNKNOWN' });
  });

  it.each([
    ['blobs were doomed', 3, 'drop index blobs_doomed; alter table blobs drop column doomed_at;'],
    ['removals were marked', 6, ''],
  ])('of the form before %s is kept, and swept', async (_what, form, lacking) => {
    await using test = await openTestStore();
    const image = await putImage(test.store, app, [layerOf('a')], 'v1');
    const alone = await putBlob(test.store, app, Buffer.from('alone'));
    await test.store.close();
    const db = new DatabaseSync(join(test.dir, 'registry.db'));
    db.exec(`${lacking} alter table blobs drop column removal_at; pragma user_version = ${form}`);
    db.close();
    const limits = { graceMs: 1, doomedMs: 0 };
    await using again = await openRegistryStore({ dir: test.dir, limits, now: () => Date.now() + 1000 });
    expect(await again.sweep(sweepAll)).toMatchObject({ blobs: 1, bytes: 5 });
    await expect(again.blobSize(app, alone)).rejects.toMatchObject({ code: 'BLOB_UNKNOWN' });
    expect(await again.readManifest(image.digest)).toEqual(image.bytes);
  });

  it('is repaired by pushing it again', async () => {
    await using test = await openTestStore();
    const image = await putImage(test.store, app, [layerOf('a')], 'v1');
    await writeFile(blobPath(test.dir, image.digest), 'damaged');
    await expect(test.store.readManifest(image.digest)).rejects.toMatchObject({ code: 'BLOB_CORRUPT' });
    await putManifest(test.store, app, image, 'v1');
    expect(await test.store.readManifest(image.digest)).toEqual(image.bytes);
  });

  it('is private to its owner, except that its group can read blobs for scans', async () => {
    await using test = await openTestStore();
    const dir = join(test.dir, 'made');
    const store = await openRegistryStore({ dir });
    const { digest } = await putImage(store, app, [layerOf('a')], 'v1');
    await store.close();
    const blob = relative(dir, blobPath(dir, digest));
    const modes = ['.', 'blobs/sha256', blob, 'registry.db', 'uploads'].map(async (name) => {
      const { mode } = await stat(join(dir, name));
      return (mode & 0o777).toString(8);
    });
    expect(await Promise.all(modes)).toEqual(['750', '750', '640', '600', '700']);
  });
});

function tarOf(name: string, text: string): Promise<Buffer> {
  const archive = pack();
  archive.entry({ name }, text);
  archive.finalize();
  return buffer(archive);
}

async function filesIn(dir: string): Promise<Record<string, string>> {
  const names = await readdir(dir);
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await readFile(join(dir, name), 'utf8')] as const)),
  );
}

describe('an image', () => {
  const layers = async (): Promise<TestLayer[]> => {
    const lower = await tarOf('a', 'lower');
    const upper = await tarOf('b', 'upper');
    return [
      { packed: gzipSync(lower), plain: lower, mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip' },
      { packed: upper, plain: upper },
    ];
  };

  it('is read in parts, before and after it is stored', async () => {
    await using test = await openTestStore();
    const [lower, upper] = await layers();
    if (lower === undefined || upper === undefined) throw new Error('no layers');
    const { document, blobs } = documentOf([lower, upper]);
    for (const blob of blobs) await putBlob(test.store, app, blob);
    const before = await test.store.readImage(document);
    expect(before.layers.map(({ diffId }) => diffId)).toEqual([digestOf(lower.plain), digestOf(upper.plain)]);
    expect(await buffer((await before.layers[0]?.open()) ?? Readable.from([]))).toEqual(lower.packed);
    await putManifest(test.store, app, document, 'v1');
    const after = await test.store.findImage(app, v1);
    expect(after).toMatchObject({ digest: document.digest, config: { config: { Cmd: ['/run'] } } });
    await expect(test.store.findImage(app, parseTag('v2'))).rejects.toMatchObject({
      code: 'MANIFEST_UNKNOWN',
    });
  });

  it('is unpacked for sandboxes', async () => {
    await using test = await openTestStore();
    const image = await putImage(test.store, app, await layers(), 'v1');
    const imagesDir = join(test.dir, 'images');
    const unpacked = await test.store.unpackImage(app, v1, imagesDir);
    expect(unpacked).toMatchObject({
      reference: 'guest/app:v1',
      digest: image.digest,
      config: { cmd: ['/run'], env: ['A=b'], labels: { colour: 'green' }, workingDir: '/' },
    });
    const [lower = '', upper = ''] = unpacked.layerDirs;
    expect([await filesIn(lower), await filesIn(upper)]).toEqual([{ a: 'lower' }, { b: 'upper' }]);
    const byDigest = await test.store.unpackImage(app, image.digest, imagesDir);
    expect(byDigest.reference).toBe(`guest/app@${image.digest}`);
  });

  it('whose layers differ from its configuration is not unpacked', async () => {
    await using test = await openTestStore();
    const [lower, upper] = await layers();
    if (lower === undefined || upper === undefined) throw new Error('no layers');
    await putImage(test.store, app, [{ ...lower, plain: upper.plain }], 'lies');
    const unpacking = test.store.unpackImage(app, parseTag('lies'), join(test.dir, 'images'));
    await expect(unpacking).rejects.toMatchObject({ code: 'IMAGE_INVALID' });
    const { document, blobs } = documentOf([lower], { layers: [] });
    for (const blob of blobs) await putBlob(test.store, app, blob);
    await expect(test.store.readImage(document)).rejects.toMatchObject({ code: 'IMAGE_INVALID' });
  });
});
