import { appendFile, mkdir, readdir, truncate, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { blobPath, type Digest, digestOf, openBlobStore, parseDigest } from '../../blobs/index.ts';
import { mustRun } from '../../lib/index.ts';
import {
  canMount,
  listTree,
  type Packing,
  type TestImage,
  tarOf,
  temporaryFolder,
  writeTestImage,
} from '../images.fixture.ts';
import { readImage } from '../oci/layout.ts';
import type { Descriptor } from '../oci/schema.ts';
import type { Unpacker } from '../unpack/apart.ts';
import { unpackHere } from '../unpack/here.ts';
import { openLayerStore, removeAbandonedLayers, removeFormerLayers } from './layer-store.ts';

async function firstLayer(
  dir: string,
  image: Omit<TestImage, 'tag'>,
): Promise<{ layer: Descriptor; diffId: Digest }> {
  const { manifest, config } = await readImage(dir, await writeTestImage(dir, { tag: 'x', ...image }));
  const [layer] = manifest.layers;
  const [diffId] = config.rootfs.diff_ids;
  if (layer === undefined || diffId === undefined) throw new Error('an image without a layer');
  return { layer, diffId };
}

/** A process for each layer takes a quarter of a second of processor time: for tests of what the store does around it. */
const inThisProcess: Unpacker = (blob, root) => unpackHere(blob.createReadStream({ autoClose: false }), root);

describe('the layer store', () => {
  const kinds: readonly [Packing, string | undefined][] = [
    ['gzip', undefined],
    ['zstd', undefined],
    ['none', undefined],
    ['gzip', 'application/vnd.docker.image.rootfs.diff.tar.gzip'],
    // Some tools declare gzip content as plain tar.
    ['gzip', 'application/vnd.oci.image.layer.v1.tar'],
  ];

  it.each(kinds)('unpacks %s layers (%s)', async (packing, layerType) => {
    await using folder = await temporaryFolder();
    const layers = [await tarOf([{ name: 'etc/a', content: packing }])];
    const { layer, diffId } = await firstLayer(folder.path, {
      layers,
      packing,
      ...(layerType && { layerType }),
    });
    const store = openLayerStore(folder.path, inThisProcess);
    expect(await store.has(diffId)).toBe(false);
    const path = await store.unpack(openBlobStore(folder.path), layer, diffId);
    expect(path).toBe(store.path(diffId));
    expect(await store.has(diffId)).toBe(true);
    expect(await listTree(path)).toEqual({ etc: 'folder', 'etc/a': packing });
  });

  it('unpacks a layer once for all callers', async () => {
    await using folder = await temporaryFolder();
    const { layer, diffId } = await firstLayer(folder.path, {
      layers: [await tarOf([{ name: 'a', content: 'b' }])],
    });
    const stores = [openLayerStore(folder.path), openLayerStore(folder.path)];
    const paths = await Promise.all(
      [0, 1, 0, 1].map((at) => stores[at]?.unpack(openBlobStore(folder.path), layer, diffId)),
    );
    expect(new Set(paths).size).toBe(1);
    expect(await readdir(join(folder.path, 'layers', 'unpacked'))).toEqual([diffId.slice(7)]);
  });

  const damages: readonly [string, (blob: string) => Promise<void>, string][] = [
    ['shorter', (blob) => truncate(blob, 30), 'IMAGE_INVALID'],
    ['longer', (blob) => appendFile(blob, 'x'), 'IMAGE_INVALID'],
    ['other bytes', async (blob) => writeFile(blob, Buffer.alloc(110)), 'IMAGE_INVALID'],
  ];

  it.each(damages)(
    'refuses a layer that is %s than described, and keeps no part of it',
    async (_what, damage, code) => {
      await using folder = await temporaryFolder();
      const { layer, diffId } = await firstLayer(folder.path, {
        layers: [await tarOf([{ name: 'a', content: 'b' }])],
      });
      await damage(blobPath(folder.path, layer.digest));
      await expect(
        openLayerStore(folder.path, inThisProcess).unpack(openBlobStore(folder.path), layer, diffId),
      ).rejects.toMatchObject({
        code,
      });
      expect(await readdir(join(folder.path, 'layers', 'unpacked'))).toEqual([]);
    },
  );

  it('refuses a layer with the right length and the wrong content', async () => {
    await using folder = await temporaryFolder();
    const { layer, diffId } = await firstLayer(folder.path, {
      layers: [await tarOf([{ name: 'a', content: 'good' }])],
      packing: 'none',
    });
    await writeFile(blobPath(folder.path, layer.digest), await tarOf([{ name: 'a', content: 'evil' }]));
    const work = openLayerStore(folder.path, inThisProcess).unpack(openBlobStore(folder.path), layer, diffId);
    await expect(work).rejects.toMatchObject({
      code: 'IMAGE_INVALID',
      message: expect.stringContaining('digest'),
    });
    expect(await readdir(join(folder.path, 'layers', 'unpacked'))).toEqual([]);
  });

  it('refuses a layer with a wrong diff id', async () => {
    await using folder = await temporaryFolder();
    const layers = [await tarOf([{ name: 'a', content: 'b' }])];
    const { layer } = await firstLayer(folder.path, { layers });
    const work = openLayerStore(folder.path, inThisProcess).unpack(
      openBlobStore(folder.path),
      layer,
      digestOf('something else'),
    );
    await expect(work).rejects.toMatchObject({
      code: 'IMAGE_INVALID',
      message: expect.stringContaining('diff id'),
    });
  });

  it.each(['gzip', 'zstd'] as const)('refuses a %s bomb', async (packing) => {
    await using folder = await temporaryFolder();
    const bomb = await tarOf([{ name: 'zeros', content: Buffer.alloc(100_000_000) }]);
    const { layer, diffId } = await firstLayer(folder.path, { layers: [bomb], packing });
    const work = openLayerStore(folder.path).unpack(openBlobStore(folder.path), layer, diffId);
    await expect(work).rejects.toMatchObject({ code: 'ARCHIVE_TOO_LARGE' });
    expect(await readdir(join(folder.path, 'layers', 'unpacked'))).toEqual([]);
  });

  it('refuses a truncated compressed stream', async () => {
    await using folder = await temporaryFolder();
    const { layer, diffId } = await firstLayer(folder.path, {
      layers: [
        await tarOf([{ name: 'a', content: Buffer.from(crypto.getRandomValues(new Uint8Array(5000))) }]),
      ],
    });
    await truncate(blobPath(folder.path, layer.digest), 2000);
    const work = openLayerStore(folder.path).unpack(
      openBlobStore(folder.path),
      { ...layer, size: 2000 },
      diffId,
    );
    await expect(work).rejects.toMatchObject({ code: 'ARCHIVE_INVALID' });
  });

  it('refuses a layer of another type, and a missing one', async () => {
    await using folder = await temporaryFolder();
    const { layer, diffId } = await firstLayer(folder.path, { layers: [await tarOf([])] });
    const store = openLayerStore(folder.path);
    const encrypted = { ...layer, mediaType: 'application/vnd.oci.image.layer.v1.tar+encrypted' };
    await expect(store.unpack(openBlobStore(folder.path), encrypted, diffId)).rejects.toMatchObject({
      code: 'IMAGE_INVALID',
    });
    const missing = { ...layer, digest: parseDigest(`sha256:${'0'.repeat(64)}`) };
    await expect(store.unpack(openBlobStore(folder.path), missing, diffId)).rejects.toMatchObject({
      code: 'IMAGE_INVALID',
    });
  });

  it('removes the files of a killed unpacker, but no work in progress', async () => {
    await using folder = await temporaryFolder();
    const layers = join(folder.path, 'layers', 'unpacked');
    for (const name of ['.tmp-old', '.tmp-new', 'a'.repeat(64)])
      await mkdir(join(layers, name), { recursive: true });
    for (const name of ['.tmp-old', 'a'.repeat(64)]) await utimes(join(layers, name), 1000, 1000);
    await removeAbandonedLayers(folder.path);
    expect((await readdir(layers)).sort()).toEqual(['.tmp-new', 'a'.repeat(64)]);
  });
});

describe('layers in the old format', () => {
  const former = async (dir: string, ageMs: number) => {
    const folder = join(dir, 'layers/sha256');
    await mkdir(join(folder, 'a'.repeat(64)), { recursive: true });
    const changed = new Date(Date.now() - ageMs);
    await utimes(folder, changed, changed);
    return folder;
  };
  const days = (count: number) => count * 86_400_000;

  it('are removed, and never used as current layers', async () => {
    await using folder = await temporaryFolder();
    await former(folder.path, days(2));
    expect(await openLayerStore(folder.path).has(parseDigest(`sha256:${'a'.repeat(64)}`))).toBe(false);
    await removeFormerLayers(folder.path);
    expect(await readdir(join(folder.path, 'layers'))).toEqual([]);
  });

  it('are kept while an older Ward could use them', async () => {
    await using folder = await temporaryFolder();
    await former(folder.path, days(0.5));
    await removeFormerLayers(folder.path);
    expect(await readdir(join(folder.path, 'layers'))).toEqual(['sha256']);
  });

  it.runIf(canMount())('are kept while a root is mounted from them', async () => {
    await using folder = await temporaryFolder();
    await mkdir(join(folder.path, 'root'));
    const cwd = dirname(await former(folder.path, days(2)));
    await mkdir(join(cwd, 'below'));
    const layers = `lowerdir=sha256/${'a'.repeat(64)}:below`;
    await mustRun(['mount', '-t', 'overlay', '-o', `ro,${layers}`, 'ward', join(folder.path, 'root')], {
      cwd,
    });
    try {
      await removeFormerLayers(folder.path);
      expect(await readdir(cwd)).toContain('sha256');
    } finally {
      await mustRun(['umount', join(folder.path, 'root')]);
    }
    await removeFormerLayers(folder.path);
    expect(await readdir(cwd)).toEqual(['below']);
  });
});
