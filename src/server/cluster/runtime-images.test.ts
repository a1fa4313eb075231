/** A node without a database brings the runtime images of the cluster to its own machine, and trusts no byte of them. */
import { writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { type BlobSource, blobPath, openBlobStore } from '../../blobs/index.ts';
import { tarOf, temporaryFolder, writeTestImage } from '../../images/images.fixture.ts';
import { readImage, readIndex, refNameOf } from '../../images/index.ts';
import { silentLog } from '../../lib/index.ts';
import { createNodeRoutes } from './node-routes.ts';
import { takeRuntimeImages } from './runtime-images.ts';

/** An API node with images in `dir`, and what is asked of it. */
function openDoor(dir: string) {
  const own = openBlobStore(dir);
  const none = { size: async () => undefined, open: own.open };
  const service = { authenticate: async () => ({ name: 'inv', role: 'invoker' as const }) };
  const routes = createNodeRoutes({ service, code: none, registry: none, imagesDir: dir });
  const asked: string[] = [];
  const source: BlobSource = {
    ...{ place: 'the API node', signal: new AbortController().signal, times: { tries: 1 } },
    async get(digest) {
      asked.push(digest);
      const stored = await readIndexed(own, digest);
      return stored && { body: await own.open(stored.digest), length: stored.size };
    },
  };
  return { asked, document: async () => ({ images: await routes.images() }), blobs: () => source };
}

async function readIndexed(store: ReturnType<typeof openBlobStore>, key: string) {
  for await (const digest of store.list())
    if (digest === key) return { digest, size: (await store.size(digest)) ?? 0 };
  return undefined;
}

const layer = (text: string) => tarOf([{ name: 'file', content: text }]);

async function start() {
  const [there, here] = await Promise.all([temporaryFolder(), temporaryFolder()]);
  const door = openDoor(there.path);
  const take = () => takeRuntimeImages({ door, imagesDir: here.path, admitWrite: () => {}, log: silentLog });
  const nameOf = async () => (await readIndex(here.path))?.manifests.map((entry) => refNameOf(entry)) ?? [];
  return {
    ...{ there: there.path, here: here.path, door, take, nameOf },
    async [Symbol.asyncDispose]() {
      await Promise.all([there[Symbol.asyncDispose](), here[Symbol.asyncDispose]()]);
    },
  };
}

test('an image comes whole, once, and is replaced by another one of its name', async () => {
  await using at = await start();
  const first = await writeTestImage(at.there, { tag: 'nodejs:24', layers: [await layer('one')] });
  await writeTestImage(at.there, { tag: 'not-a-runtime', layers: [await layer('mine')] });
  await at.take();
  expect(await at.nameOf()).toEqual(['nodejs:24']);
  expect((await readImage(at.here, first)).manifest.layers).toHaveLength(1);
  expect(at.door.asked).toHaveLength(3);
  await at.take();
  expect(at.door.asked).toHaveLength(3);
  const second = await writeTestImage(at.there, { tag: 'nodejs:24', layers: [await layer('two')] });
  await at.take();
  expect((await readIndex(at.here))?.manifests.map(({ digest }) => digest)).toEqual([second.digest]);
});

test('an image with other bytes than its digests say gets no name', async () => {
  await using at = await start();
  const entry = await writeTestImage(at.there, { tag: 'nodejs:24', layers: [await layer('one')] });
  const [damaged] = (await readImage(at.there, entry)).manifest.layers;
  if (damaged === undefined) throw new Error('the image has no layer');
  await writeFile(blobPath(at.there, damaged.digest), 'x'.repeat(damaged.size));
  await expect(at.take()).rejects.toMatchObject({ code: 'BLOB_DIGEST_WRONG' });
  expect(await at.nameOf()).toEqual([]);
});

test('an answer of another form is refused', async () => {
  await using at = await start();
  for (const images of ['x', [{ name: 'nodejs:24', digest: 'sha256:1' }]]) {
    const door = { ...at.door, document: async () => ({ images }) };
    const taken = takeRuntimeImages({ door, imagesDir: at.here, admitWrite: () => {}, log: silentLog });
    await expect(taken).rejects.toMatchObject({ code: 'CLUSTER_ANSWER_INVALID' });
  }
});
