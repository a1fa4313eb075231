import { readFileSync } from 'node:fs';
import { access, mkdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { digestOf } from '../../blobs/index.ts';
import { unpackLayers } from '../function-images/layout-copy.ts';
import {
  canMount,
  listTree,
  type TarEntry,
  type TestImage,
  tarOf,
  temporaryFolder,
  writeTestImage,
} from '../images.fixture.ts';
import { unpackHere } from '../unpack/here.ts';
import { openImageStore } from './image-store.ts';

/** A store in a fresh folder; closed and removed by `await using`. */
async function freshStore() {
  const folder = await temporaryFolder();
  const dir = join(folder.path, 'store');
  const store = await openImageStore({ dir, mountsDir: join(folder.path, 'mounts') });
  const dispose = async () => {
    await store.close();
    await folder[Symbol.asyncDispose]();
  };
  return { store, dir, folder: folder.path, [Symbol.asyncDispose]: dispose };
}

/** Unpacks in this process: one for each layer takes a quarter of a second of processor time. */
async function writeUnpacked(dir: string, image: TestImage): Promise<void> {
  const entry = await writeTestImage(dir, image);
  await unpackLayers(dir, entry, (blob, to) => unpackHere(blob.createReadStream({ autoClose: false }), to));
}

function mountsBelow(folder: string): string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => line.includes(folder));
}

describe('resolving', () => {
  it('finds an image of the store by name, also after it changed', async () => {
    await using test = await freshStore();
    const first = await writeTestImage(test.dir, {
      tag: 'app:1',
      layers: [await tarOf([{ name: 'a', content: '1' }])],
    });
    const image = await test.store.resolve('app:1');
    expect(image).toMatchObject({
      reference: 'app:1',
      digest: first.digest,
      config: {
        env: ['A=b'],
        entrypoint: [],
        cmd: ['/run'],
        workingDir: '/',
        user: '',
        labels: { colour: 'green' },
      },
    });
    expect(await listTree(image.layerDirs[0] ?? '')).toEqual({ a: '1' });
    expect(await test.store.resolve('app:1')).toBe(image);
    const second = await writeTestImage(test.dir, {
      tag: 'app:1',
      layers: [await tarOf([{ name: 'a', content: '2' }])],
    });
    expect((await test.store.resolve('app:1')).digest).toBe(second.digest);
  });

  it('lists all images', async () => {
    await using test = await freshStore();
    expect(await test.store.list()).toEqual([]);
    const { digest } = await writeTestImage(test.dir, { tag: 'b:1', layers: [] });
    await writeTestImage(test.dir, { tag: 'a:1', layers: [] });
    const [a, b] = await test.store.list();
    expect([a?.name, b?.name]).toEqual(['a:1', 'b:1']);
    expect(b).toMatchObject({ digest, createdAt: '2026-01-01T00:00:00Z' });
    expect(b?.sizeBytes).toBeGreaterThan(300);
  });

  it('reads a foreign layout, with one image unnamed or with many by name', async () => {
    await using test = await freshStore();
    const foreign = join(test.folder, 'foreign');
    const { digest } = await writeTestImage(foreign, {
      tag: 'one',
      layers: [await tarOf([])],
      packing: 'zstd',
    });
    expect((await test.store.resolve(`oci:${foreign}`)).digest).toBe(digest);
    await writeTestImage(foreign, { tag: 'two', layers: [] });
    expect((await test.store.resolve(`oci:${foreign}:one`)).digest).toBe(digest);
  });

  it('accepts a folder as a root', async () => {
    await using test = await freshStore();
    const image = await test.store.resolve(`rootfs:${test.dir}/layers/..`);
    expect(image).toMatchObject({ digest: undefined, layerDirs: [test.dir] });
  });

  it('refuses a folder that contains the mount folder', async () => {
    await using test = await freshStore();
    for (const folder of [test.folder, '/']) {
      await expect(test.store.resolve(`rootfs:${folder}`)).rejects.toMatchObject({ code: 'IMAGE_UNSAFE' });
    }
  });

  it('names its images when one is missing', async () => {
    await using test = await freshStore();
    await writeTestImage(test.dir, { tag: 'app:1', layers: [] });
    await expect(test.store.resolve('app:2')).rejects.toMatchObject({
      code: 'IMAGE_NOT_FOUND',
      hint: 'It has: app:1.',
    });
    await expect(test.store.resolve('oci:/nowhere')).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' });
    await expect(test.store.resolve('rootfs:/nowhere')).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' });
    await expect(test.store.resolve('rootfs:/etc/passwd')).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' });
  });

  it('refuses a hostile layer and a wrong diff id', async () => {
    await using test = await freshStore();
    const evil = await tarOf([{ name: '../evil', content: 'x' }]);
    await writeTestImage(test.dir, { tag: 'evil:1', layers: [evil] });
    await expect(test.store.resolve('evil:1')).rejects.toMatchObject({ code: 'ARCHIVE_UNSAFE' });
    await writeTestImage(test.dir, { tag: 'evil:2', layers: [await tarOf([])], diffIds: [digestOf('lie')] });
    await expect(test.store.resolve('evil:2')).rejects.toMatchObject({ code: 'IMAGE_INVALID' });
    await writeTestImage(test.dir, { tag: 'evil:3', layers: [await tarOf([])], diffIds: [] });
    await expect(test.store.resolve('evil:3')).rejects.toMatchObject({ code: 'IMAGE_INVALID' });
  });

  it('refuses a path that mount options cannot contain', async () => {
    await using folder = await temporaryFolder();
    const work = openImageStore({ dir: join(folder.path, 'a,b'), mountsDir: folder.path });
    await expect(work).rejects.toMatchObject({ code: 'IMAGE_STORE_INVALID' });
  });
});

describe.runIf(canMount())(
  'a mounted root (root in a private mount namespace only, as npm test makes one)',
  () => {
    it('combines all layers, read-only, nosuid, nodev, with the folders a sandbox needs', async () => {
      await using test = await freshStore();
      await writeUnpacked(test.dir, {
        tag: 'app:1',
        layers: [
          await tarOf([
            { name: 'a', content: 'lower' },
            { name: 'gone', content: 'x' },
            { name: 'dir/old', content: 'x' },
            { name: 'tmp/', type: 'directory' },
          ]),
          await tarOf([
            { name: 'a', content: 'upper' },
            { name: '.wh.gone', content: '' },
            { name: 'dir/.wh..wh..opq', content: '' },
            { name: 'dir/new', content: 'y' },
          ]),
        ],
      });
      await using root = await test.store.mountRoot(await test.store.resolve('app:1'));
      expect(await listTree(root.path)).toEqual({
        a: 'upper',
        dev: 'folder',
        dir: 'folder',
        'dir/new': 'y',
        etc: 'folder',
        'etc/resolv.conf': '',
        fn: 'folder',
        proc: 'folder',
        sys: 'folder',
        tmp: 'folder',
        ward: 'folder',
      });
      expect(mountsBelow(root.path)[0]).toMatch(/ ro,nosuid,nodev/);
      await expect(writeFile(join(root.path, 'x'), '')).rejects.toMatchObject({ code: 'EROFS' });
    });

    it('has the requested empty folders if the image lacks them', async () => {
      await using test = await freshStore();
      const layer = await tarOf([
        { name: 'var/full/x', content: 'y' },
        { name: 'link', type: 'symlink', linkname: '/etc' },
        { name: 'file', content: 'z' },
      ]);
      await writeUnpacked(test.dir, { tag: 'app:1', layers: [layer] });
      const image = await test.store.resolve('app:1');
      const folders = ['/tmp', '/scratch', '/var/a/b', '/var/full', '/link', '/file', '/scratch'];
      await using root = await test.store.mountRoot(image, folders);
      await using same = await test.store.mountRoot(image, folders.toReversed());
      await using plain = await test.store.mountRoot(image, ['/tmp']);
      expect([same.path === root.path, plain.path === root.path]).toEqual([true, false]);
      const image1 = await listTree(plain.path);
      expect(image1).not.toHaveProperty('scratch');
      expect(await listTree(root.path)).toEqual({
        ...image1,
        scratch: 'folder',
        'var/a': 'folder',
        'var/a/b': 'folder',
      });
      await expect(writeFile(join(root.path, 'scratch/x'), '')).rejects.toMatchObject({ code: 'EROFS' });
    });

    it('is shared, and unmounted when its last holder releases it', async () => {
      await using test = await freshStore();
      await writeUnpacked(test.dir, { tag: 'app:1', layers: [await tarOf([{ name: 'a', content: 'b' }])] });
      const image = await test.store.resolve('app:1');
      const [one, two, three] = await Promise.all([1, 2, 3].map(() => test.store.mountRoot(image)));
      expect(mountsBelow(test.folder)).toHaveLength(1);
      await one?.release();
      await one?.release();
      await two?.release();
      expect(await readFile(join(three?.path ?? '', 'a'), 'utf8')).toBe('b');
      // The last holder releases it while another one asks for it.
      const [, again] = await Promise.all([three?.release(), test.store.mountRoot(image)]);
      expect(await readFile(join(again.path, 'a'), 'utf8')).toBe('b');
      await again.release();
      expect(mountsBelow(test.folder)).toEqual([]);
    });

    it('is unmounted when the store closes', async () => {
      await using test = await freshStore();
      await writeUnpacked(test.dir, { tag: 'app:1', layers: [await tarOf([])] });
      const root = await test.store.mountRoot(await test.store.resolve('app:1'));
      await test.store.close();
      expect(mountsBelow(test.folder)).toEqual([]);
      await root.release();
    });

    it('can have the maximum number of layers', async () => {
      await using test = await freshStore();
      const layers = await Promise.all(
        Array.from({ length: 128 }, (_, at) =>
          tarOf([
            { name: `f${at}`, content: '' },
            { name: 'last', content: `${at}` },
          ]),
        ),
      );
      await writeUnpacked(test.dir, { tag: 'deep:1', layers, packing: 'none' });
      await using root = await test.store.mountRoot(await test.store.resolve('deep:1'));
      expect(await readFile(join(root.path, 'last'), 'utf8')).toBe('127');
      await access(join(root.path, 'f0'));
    });

    it('of a folder is read-only, whatever the folder’s name', async () => {
      await using test = await freshStore();
      const odd = join(test.folder, 'odd, na:me\\');
      await mkdir(odd);
      await writeFile(join(odd, 'a'), 'b');
      await using root = await test.store.mountRoot(await test.store.resolve(`rootfs:${odd}`));
      expect(await readFile(join(root.path, 'a'), 'utf8')).toBe('b');
      expect((await stat(join(root.path, 'proc'))).isDirectory()).toBe(true);
      await expect(writeFile(join(root.path, 'a'), 'c')).rejects.toMatchObject({ code: 'EROFS' });
    });

    const hostile: readonly [string, readonly TarEntry[]][] = [
      ['/dev is a link', [{ name: 'dev', type: 'symlink', linkname: '/etc' }]],
      ['/proc is a link', [{ name: 'proc', type: 'symlink', linkname: 'sys' }]],
      ['/sys is a link to itself', [{ name: 'sys', type: 'symlink', linkname: 'sys' }]],
      ['/tmp is a file', [{ name: 'tmp', content: 'x' }]],
      ['/fn is a link', [{ name: 'fn', type: 'symlink', linkname: '/' }]],
      ['/ward is a link', [{ name: 'ward', type: 'symlink', linkname: '/tmp' }]],
      ['/dev was deleted', [{ name: '.wh.dev', content: '' }]],
    ];

    it.each(hostile)('whose %s is refused, and no mount remains', async (_what, entries) => {
      await using test = await freshStore();
      await writeUnpacked(test.dir, { tag: 'evil:1', layers: [await tarOf([]), await tarOf(entries)] });
      const image = await test.store.resolve('evil:1');
      await expect(test.store.mountRoot(image)).rejects.toMatchObject({
        code: 'IMAGE_UNSAFE',
        kind: 'denied',
      });
      expect(mountsBelow(test.folder)).toEqual([]);
    });

    it('of a folder whose /proc is a link is refused', async () => {
      await using test = await freshStore();
      const dir = join(test.folder, 'root');
      await mkdir(dir);
      await symlink('/proc', join(dir, 'proc'));
      const image = await test.store.resolve(`rootfs:${dir}`);
      await expect(test.store.mountRoot(image)).rejects.toMatchObject({ code: 'IMAGE_UNSAFE' });
      expect(mountsBelow(test.folder)).toEqual([]);
    });
  },
);
