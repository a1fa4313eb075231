import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { blobSize } from '../../blobs/index.ts';
import { canMount, tarOf, temporaryFolder, writeTestImage } from '../images.fixture.ts';
import { tagManifest } from '../oci/layout.ts';
import { listStoredImages, openImageStore } from '../store/image-store.ts';
import { deleteStoredImage } from './stored-images.ts';

const shared = await tarOf([{ name: 'shared', content: 'in both' }]);
const own = await tarOf([{ name: 'own', content: 'x'.repeat(100_000) }]);

/** Two images that share their lowest layer, unpacked. */
async function makeStore() {
  const folder = await temporaryFolder();
  const dir = join(folder.path, 'store');
  const app = await writeTestImage(dir, { tag: 'app:latest', layers: [shared, own] });
  await writeTestImage(dir, { tag: 'other:1', layers: [shared] });
  const store = await openImageStore({ dir, mountsDir: join(folder.path, 'mounts') });
  const { layerDirs } = await store.resolve('app');
  await store.resolve('other:1');
  const names = async () => (await listStoredImages(dir)).map(({ name }) => name);
  return { dir, app, store, layerDirs, names, [Symbol.asyncDispose]: folder[Symbol.asyncDispose] };
}

test('deletes the name, and the blobs that no other image has', async () => {
  await using made = await makeStore();
  const blobs = (await readdir(join(made.dir, 'blobs/sha256'))).length;
  const signature = await tarOf([{ name: 'signature', content: 'signed' }]);
  await writeTestImage(made.dir, { tag: `${made.app.digest.replace(':', '-')}.sig`, layers: [signature] });
  const { name, freedBytes } = await deleteStoredImage(made.dir, 'app');
  expect(name).toBe('app:latest');
  expect(freedBytes).toBeGreaterThan(100_000);
  expect(await made.names()).toEqual(['other:1']);
  expect(await blobSize(made.dir, made.app.digest)).toBeUndefined();
  // The manifest, the configuration and a layer, and all blobs of the signature.
  expect((await readdir(join(made.dir, 'blobs/sha256'))).length).toBe(blobs - 3);
  expect((await readdir(join(made.dir, 'layers/unpacked'))).length).toBe(1);
  await expect(made.store.resolve('app')).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' });
  expect((await made.store.resolve('other:1')).layerDirs).toEqual(made.layerDirs.slice(0, 1));
});

test('keeps an image that has another name', async () => {
  await using made = await makeStore();
  await tagManifest(made.dir, made.app, ['app:2']);
  expect((await deleteStoredImage(made.dir, 'app:latest')).freedBytes).toBe(0);
  expect((await made.store.resolve('app:2')).layerDirs).toEqual(made.layerDirs);
});

test.each([
  ['Ward’s own images', 'nodejs:24', [], 'IMAGE_NAME_RESERVED', ''],
  ['the names of kinds', 'nodejs:default', [], 'IMAGE_NAME_RESERVED', ''],
  ['a missing image', 'app:3', [], 'IMAGE_NOT_FOUND', 'app:3'],
  ['an invalid name', 'oci:/tmp', [], 'IMAGE_INVALID', ''],
  ['an image that actions use', 'app', ['guest/a', 'guest/b'], 'IMAGE_IN_USE', 'guest/a, guest/b'],
])('refuses %s', async (_title, name, users, code, words) => {
  await using made = await makeStore();
  await expect(deleteStoredImage(made.dir, name, users)).rejects.toMatchObject({
    code,
    message: expect.stringContaining(words),
  });
  expect(await made.names()).toEqual(['app:latest', 'other:1']);
});

test('refuses during a build', async () => {
  await using made = await makeStore();
  await mkdir(join(made.dir, 'build/.tmp-work-1'), { recursive: true });
  await expect(deleteStoredImage(made.dir, 'app')).rejects.toMatchObject({ code: 'IMAGE_STORE_BUSY' });
});

test.skipIf(!canMount())('refuses mounted layers, but not the layers below them', async () => {
  await using made = await makeStore();
  const root = await made.store.mountRoot(await made.store.resolve('app'));
  try {
    await expect(deleteStoredImage(made.dir, 'app')).rejects.toMatchObject({ code: 'IMAGE_IN_USE' });
    expect(await made.names()).toEqual(['app:latest', 'other:1']);
    await deleteStoredImage(made.dir, 'other:1');
  } finally {
    await root.release();
  }
  // A process that another test has just started can have a copy of this mount for a moment.
  await vi.waitFor(() => deleteStoredImage(made.dir, 'app'), 10_000);
  expect(await readdir(join(made.dir, 'layers/unpacked'))).toEqual([]);
});
