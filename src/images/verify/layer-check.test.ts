/** Damages unpacked layers, handmade and real, in every way that a check should detect. */
import {
  appendFileSync,
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { blobPath, openBlobStore } from '../../blobs/index.ts';
import { streamOf, type TarEntry, tarOf, temporaryFolder, writeTestImage } from '../images.fixture.ts';
import { layerLimits } from '../layer/layer-limits.ts';
import { readImage, readIndex, refNameOf } from '../oci/layout.ts';
import { openLayerStore } from '../store/layer-store.ts';
import { unpackTar } from '../unpack/tar.ts';
import { differencesIn } from './differences.ts';
import { type Expected, expectedOf } from './expected.ts';
import { checkLayer, type StoredLayer } from './layer-check.ts';
import { dropLayer, layersOfStore, unpackedLayers } from './stored-layers.ts';

const realStore = process.env['WARD_IMAGES'] ?? '/var/lib/ward/images';
const isRoot = process.geteuid?.() === 0;

const ofEverything: readonly TarEntry[] = [
  { name: 'app/', type: 'directory' },
  { name: 'app/runner.cjs', content: 'run()', mode: 0o644 },
  { name: 'app/program', content: 'x', mode: 0o755 },
  { name: 'app/large', content: Buffer.alloc(3 * 1024 * 1024, 'l') },
  { name: 'app/empty', content: '' },
  { name: 'app/twice', content: 'first' },
  { name: 'app/twice', content: 'second' },
  { name: 'app/link', type: 'symlink', linkname: 'program' },
  { name: 'app/hard', type: 'link', linkname: 'app/large' },
  { name: 'deep/down/below/file', content: 'no folder is named' },
  { name: 'gone/.wh.old', content: '' },
  { name: 'opaque/.wh..wh..opq', content: '' },
  { name: 'dev/null', type: 'character-device', mode: 0o666, devmajor: 1, devminor: 3 },
];

async function unpackedLayer(dir: string, entries: readonly TarEntry[] = ofEverything) {
  const image = { tag: 'x', layers: [await tarOf(entries)], packing: 'zstd' } as const;
  const { manifest, config } = await readImage(dir, await writeTestImage(dir, image));
  const [layer] = manifest.layers;
  const [diffId] = config.rootfs.diff_ids;
  if (layer === undefined || diffId === undefined) throw new Error('an image without a layer');
  const folder = await openLayerStore(dir).unpack(openBlobStore(dir), layer, diffId);
  return { folder, stored: { diffId, digest: layer.digest, from: dir } satisfies StoredLayer };
}

/** The expected content. */
async function laid(folder: string): Promise<ReadonlyMap<string, Expected>> {
  const bytes = await tarOf(ofEverything);
  await unpackTar(streamOf(bytes), folder, layerLimits);
  chmodSync(folder, 0o755);
  return await expectedOf(streamOf(bytes, 1000), layerLimits);
}

describe('an unpacked layer', () => {
  test('that matches its blob has no problem', async () => {
    await using store = await temporaryFolder();
    const { stored } = await unpackedLayer(store.path);
    expect(await checkLayer(store.path, stored)).toBeUndefined();
    expect([...(await layersOfStore(store.path)).values()]).toEqual([stored]);
    expect(await unpackedLayers(store.path)).toEqual([stored.diffId]);
  });

  test.each([
    ['is gone', (path: string) => unlinkSync(path), /missing/],
    ['is cut short', (path: string) => truncateSync(path, 100), /damaged|cut short/],
    ['has trailing bytes', (path: string) => appendFileSync(path, 'x'), /follows|damaged|match its digest/],
  ])('is not blamed when its blob %s', async (_how, damage, text) => {
    await using store = await temporaryFolder();
    const { stored } = await unpackedLayer(store.path);
    damage(blobPath(store.path, stored.digest));
    expect(await checkLayer(store.path, stored)).toMatchObject({
      of: 'blob',
      text: expect.stringMatching(text),
    });
  });

  test('is unpacked again after it was removed', async () => {
    await using store = await temporaryFolder();
    const { folder, stored } = await unpackedLayer(store.path);
    rmSync(join(folder, 'app/runner.cjs'));
    expect(await dropLayer(store.path, stored.diffId)).toBe(true);
    expect(readdirSync(join(store.path, 'layers', 'unpacked'))).toEqual([]);
    await unpackedLayer(store.path);
    expect(await checkLayer(store.path, stored)).toBeUndefined();
  });

  test.skipIf(!existsSync(join(realStore, 'index.json')))(
    'of a runtime image is reported for a changed runner, whatever its time',
    async () => {
      await using store = await temporaryFolder();
      const entry = (await readIndex(realStore))?.manifests.find((each) => refNameOf(each) === 'nodejs:24');
      if (entry === undefined) throw new Error('no runtime image');
      const { manifest, config } = await readImage(realStore, entry);
      const at = manifest.layers.length - 1;
      const [layer, diffId] = [manifest.layers[at], config.rootfs.diff_ids[at]];
      if (layer === undefined || diffId === undefined) throw new Error('no layer');
      const folder = await openLayerStore(store.path).unpack(openBlobStore(realStore), layer, diffId);
      const stored = { diffId, digest: layer.digest, from: realStore };
      expect(await checkLayer(store.path, stored)).toBeUndefined();
      const runner = readdirSync(folder, { recursive: true })
        .map(String)
        .find((name) => name.endsWith('runner.cjs'));
      const path = join(folder, runner ?? '');
      appendFileSync(path, '\n');
      utimesSync(path, 1, 1);
      expect((await checkLayer(store.path, stored))?.text).toContain(runner ?? 'a runner');
    },
  );
});

describe('a folder of a layer', () => {
  const damages: readonly (readonly [string, (folder: string) => void, string])[] = [
    [
      'a changed byte',
      (at) => writeFileSync(join(at, 'app/runner.cjs'), 'ruN()'),
      'app/runner.cjs has the wrong content',
    ],
    [
      'a changed long file',
      (at) => writeFileSync(join(at, 'app/large'), Buffer.alloc(3 * 1024 * 1024, 'L')),
      'has the wrong content',
    ],
    [
      'a longer file',
      (at) => appendFileSync(join(at, 'app/runner.cjs'), 'x'),
      'app/runner.cjs has the wrong size',
    ],
    [
      'a wrong mode',
      (at) => chmodSync(join(at, 'app/runner.cjs'), 0o755),
      'app/runner.cjs has the wrong mode',
    ],
    [
      'a set-user-id bit',
      (at) => chmodSync(join(at, 'app/program'), 0o4755),
      'app/program has the wrong mode',
    ],
    [
      'a folder’s wrong mode',
      (at) => chmodSync(join(at, 'deep/down'), 0o777),
      'deep/down has the wrong mode',
    ],
    ['a missing file', (at) => unlinkSync(join(at, 'app/empty')), 'app/empty is missing'],
    ['an additional file', (at) => writeFileSync(join(at, 'app/more'), ''), 'app/more is not in the layer'],
    ['an additional folder', (at) => mkdirSync(join(at, 'more')), 'more is not in the layer'],
    [
      'a link that leads elsewhere',
      (at) => {
        unlinkSync(join(at, 'app/link'));
        symlinkSync('/etc/passwd', join(at, 'app/link'));
      },
      'app/link leads elsewhere',
    ],
    [
      'a link in place of a file',
      (at) => {
        unlinkSync(join(at, 'app/program'));
        symlinkSync('runner.cjs', join(at, 'app/program'));
      },
      'app/program is not a file',
    ],
    ['a missing deletion', (at) => unlinkSync(join(at, 'gone/old')), 'gone/old is missing'],
    ...(isRoot
      ? ([
          [
            'the wrong owner',
            (at: string) => chownSync(join(at, 'app/program'), 1234, 0),
            'app/program has the wrong owner',
          ],
        ] as const)
      : []),
  ];
  test.each(damages)('differs from its blob by %s', async (_what, damage, text) => {
    await using folder = await temporaryFolder();
    const expected = await laid(folder.path);
    expect(differencesIn(folder.path, expected)).toEqual({ count: 0, first: [] });
    damage(folder.path);
    const { first } = differencesIn(folder.path, expected);
    expect(first).toContainEqual(expect.stringContaining(text));
    expect(first.length).toBeLessThan(3);
  });

  test('reports the first of many differences, and their number', async () => {
    await using folder = await temporaryFolder();
    const expected = await laid(folder.path);
    for (let n = 0; n < 30; n++) writeFileSync(join(folder.path, `more-${n}`), '');
    const { count, first } = differencesIn(folder.path, expected);
    expect([count, first.length]).toEqual([30, 20]);
  });
});
