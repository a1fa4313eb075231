import { createHash } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { digestOf } from '../../blobs/index.ts';
import { ociArchitecture } from '../../images/index.ts';
import { mustRun, runCommand } from '../../lib/index.ts';
import { filesTar, type TarEntry, tarOf, temporaryFolder } from '../scanner.fixture.ts';
import type { ImageSource } from '../types.ts';
import { archiveSource } from './archive.ts';
import { layoutSource } from './layout.ts';

const hasSkopeo = (await runCommand(['skopeo', '--version']).catch(() => undefined))?.code === 0;
const indexType = 'application/vnd.oci.image.index.v1+json';
const manifestType = 'application/vnd.oci.image.manifest.v1+json';
const layer = await filesTar({ 'node_modules/a/package.json': '{"name":"a","version":"1.0.0"}' });

/** The files of an image layout, by their path. */
interface Layout {
  readonly files: Map<string, Buffer>;
  put(value: unknown): { readonly digest: string; readonly size: number };
}

function newLayout(): Layout {
  const files = new Map<string, Buffer>([['oci-layout', Buffer.from('{"imageLayoutVersion":"1.0.0"}')]]);
  const put = (value: unknown) => {
    const bytes = Buffer.isBuffer(value) ? value : Buffer.from(JSON.stringify(value));
    const digest = digestOf(bytes);
    files.set(`blobs/${digest.replace(':', '/')}`, bytes);
    return { digest, size: bytes.length };
  };
  return { files, put };
}

function configOf(architecture: string) {
  return {
    architecture,
    os: 'linux',
    config: {
      Env: ['A=b'],
      Entrypoint: ['/run'],
      User: '1000',
      ExposedPorts: { '22/tcp': {} },
      Labels: { colour: 'green' },
      Healthcheck: { Test: ['CMD', 'true'] },
    },
    rootfs: { type: 'layers', diff_ids: [digestOf(layer)] },
    history: [{ created_by: 'ADD root' }, { created_by: 'ENV A=b', empty_layer: true }],
  };
}

/** An image of one layer; returns its descriptor. */
function addImage(layout: Layout, architecture: string = ociArchitecture()) {
  const config = {
    mediaType: 'application/vnd.oci.image.config.v1+json',
    ...layout.put(configOf(architecture)),
  };
  const blob = { mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', ...layout.put(gzipSync(layer)) };
  const manifest = layout.put({ schemaVersion: 2, mediaType: manifestType, config, layers: [blob] });
  return { mediaType: manifestType, ...manifest, platform: { os: 'linux', architecture } };
}

function setIndex(layout: Layout, manifests: readonly object[]): void {
  layout.files.set(
    'index.json',
    Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: indexType, manifests })),
  );
}

function named(descriptor: object, name: string): object {
  return { ...descriptor, annotations: { 'org.opencontainers.image.ref.name': name } };
}

async function layFiles({ files }: Layout, dir: string): Promise<void> {
  for (const [path, bytes] of files) {
    await mkdir(dirname(join(dir, path)), { recursive: true });
    await writeFile(join(dir, path), bytes);
  }
}

async function layArchive(entries: readonly TarEntry[], dir: string): Promise<string> {
  const path = join(dir, 'image.tar');
  await writeFile(path, await tarOf(entries));
  return path;
}

async function layersOf(source: ImageSource): Promise<Buffer[]> {
  return Promise.all(
    source.layers.map(async (each) => Buffer.concat(await Array.fromAsync(await each.open()))),
  );
}

const forms: readonly [string, (layout: Layout, dir: string, choice: object) => Promise<ImageSource>][] = [
  [
    'folder',
    async (layout, dir, choice) => {
      await layFiles(layout, dir);
      return layoutSource('app', dir, choice);
    },
  ],
  [
    'tar archive',
    async (layout, dir, choice) => {
      const entries = [...layout.files].map(([name, content]) => ({ name: `./${name}`, content }));
      return archiveSource('app', await layArchive(entries, dir), choice);
    },
  ],
];

describe.each(forms)('an image layout in a %s', (_form, open) => {
  it('is an image with its configuration and history', async () => {
    await using folder = await temporaryFolder();
    const layout = newLayout();
    const { digest } = addImage(layout);
    setIndex(layout, [named(addImage(layout), 'app:1')]);
    const source = await open(layout, folder.path, {});
    expect(source).toMatchObject({
      name: 'app',
      digest,
      layers: [{ digest: digestOf(gzipSync(layer)), diffId: digestOf(layer) }],
    });
    expect(source.config).toEqual({
      env: ['A=b'],
      entrypoint: ['/run'],
      cmd: [],
      user: '1000',
      exposedPorts: ['22/tcp'],
      labels: { colour: 'green' },
      healthcheck: true,
      others: [{ place: 'healthcheck', command: ['CMD', 'true'] }],
      history: [
        { createdBy: 'ADD root', emptyLayer: false },
        { createdBy: 'ENV A=b', emptyLayer: true },
      ],
    });
    expect(await layersOf(source)).toEqual([gzipSync(layer)]);
  });

  it('of several images gives the requested one', async () => {
    await using folder = await temporaryFolder();
    const layout = newLayout();
    const other = addImage(layout, 's390x');
    setIndex(layout, [named(addImage(layout), 'app:1'), named(other, 'app:2')]);
    expect((await open(layout, folder.path, { tag: 'app:2' })).digest).toBe(other.digest);
    await expect(open(layout, folder.path, { tag: 'app:3' })).rejects.toMatchObject({
      code: 'IMAGE_NOT_FOUND',
    });
  });

  it('for several architectures gives the requested one', async () => {
    await using folder = await temporaryFolder();
    const layout = newLayout();
    const images = ['amd64', 'arm64', 's390x'].map((architecture) => addImage(layout, architecture));
    const index = {
      mediaType: indexType,
      ...layout.put({ schemaVersion: 2, mediaType: indexType, manifests: images }),
    };
    setIndex(layout, [index]);
    expect((await open(layout, folder.path, { architecture: 's390x' })).digest).toBe(images[2]?.digest);
    expect((await open(layout, folder.path, {})).digest).toBe(
      images.find(({ platform }) => platform.architecture === ociArchitecture())?.digest,
    );
    await expect(open(layout, folder.path, { architecture: 'mips' })).rejects.toMatchObject({
      code: 'IMAGE_INVALID',
    });
  });

  it('is refused for an index within an index', async () => {
    await using folder = await temporaryFolder();
    const layout = newLayout();
    let entry: object = addImage(layout);
    for (let depth = 0; depth < 3; depth++) {
      const bytes = layout.put({ schemaVersion: 2, mediaType: indexType, manifests: [entry] });
      entry = { mediaType: indexType, ...bytes, platform: { os: 'linux', architecture: ociArchitecture() } };
    }
    setIndex(layout, [entry]);
    await expect(open(layout, folder.path, {})).rejects.toMatchObject({ code: 'IMAGE_INVALID' });
  });

  it('is refused for a manifest that has another digest', async () => {
    await using folder = await temporaryFolder();
    const layout = newLayout();
    const image = addImage(layout);
    setIndex(layout, [image]);
    layout.files.set(`blobs/${image.digest.replace(':', '/')}`, Buffer.alloc(image.size, ' '));
    await expect(open(layout, folder.path, {})).rejects.toMatchObject({ code: 'IMAGE_INVALID' });
  });

  it('is refused when a blob is missing', async () => {
    await using folder = await temporaryFolder();
    const layout = newLayout();
    const image = addImage(layout);
    setIndex(layout, [image]);
    layout.files.delete(`blobs/${digestOf(gzipSync(layer)).replace(':', '/')}`);
    const source = await open(layout, folder.path, {});
    await expect(layersOf(source)).rejects.toMatchObject({ code: 'LAYER_MISSING' });
    layout.files.delete(`blobs/${image.digest.replace(':', '/')}`);
    await rm(folder.path, { recursive: true });
    await mkdir(folder.path);
    await expect(open(layout, folder.path, {})).rejects.toMatchObject({ code: 'LAYER_MISSING' });
  });
});

describe('an archive by docker save', () => {
  const config = Buffer.from(JSON.stringify(configOf('amd64')));
  const entries = (manifest: unknown, layers: readonly TarEntry[]): TarEntry[] => [
    { name: 'abc.json', content: config },
    ...layers,
    { name: 'manifest.json', content: JSON.stringify(manifest) },
  ];
  const saved = { Config: 'abc.json', RepoTags: ['app:1'], Layers: ['l1/layer.tar'] };

  it.each([
    ['plain', [{ name: 'l1/layer.tar', content: layer }], layer],
    ['gzipped', [{ name: 'l1/layer.tar', content: gzipSync(layer) }], gzipSync(layer)],
    [
      'behind a link',
      [
        { name: 'l0/layer.tar', content: layer },
        { name: 'l1/layer.tar', type: 'symlink', linkname: '../l0/layer.tar' },
      ],
      layer,
    ],
  ] as const)('has layers that are %s', async (_how, layers, bytes) => {
    await using folder = await temporaryFolder();
    const source = await archiveSource('x', await layArchive(entries([saved], layers), folder.path), {});
    expect(source.digest).toBe(digestOf(config));
    expect(source.layers).toMatchObject([{ digest: digestOf(bytes), diffId: digestOf(layer) }]);
    expect(await layersOf(source)).toEqual([bytes]);
  });

  it.each([
    ['names several images', [saved, { ...saved, RepoTags: ['app:2'] }], 'IMAGE_NOT_CHOSEN'],
    ['names no image', [], 'IMAGE_NOT_CHOSEN'],
    ['has more layers than its configuration', [{ ...saved, Layers: ['a', 'b'] }], 'LAYER_MISMATCH'],
    ['lacks a layer', [{ ...saved, Layers: ['../../etc/passwd'] }], 'LAYER_MISSING'],
    ['lacks its configuration', [{ ...saved, Config: '/etc/passwd' }], 'LAYER_MISSING'],
    ['is something else', { Config: 1 }, 'IMAGE_INVALID'],
  ])('that %s is refused', async (_what, manifest, code) => {
    await using folder = await temporaryFolder();
    const path = await layArchive(entries(manifest, []), folder.path);
    await expect(archiveSource('x', path, {})).rejects.toMatchObject({ code });
  });

  it('of several images gives the requested one', async () => {
    await using folder = await temporaryFolder();
    const manifest = [saved, { ...saved, RepoTags: ['app:2'] }];
    const path = await layArchive(entries(manifest, [{ name: 'l1/layer.tar', content: layer }]), folder.path);
    expect((await archiveSource('x', path, { tag: 'app:2' })).layers).toHaveLength(1);
  });
});

describe('an archive', () => {
  it.each([
    ['of something else', async () => tarOf([{ name: 'a', content: 'x' }])],
    ['that is not one', async () => Buffer.alloc(2000, 'hello')],
    [
      'with a million entries',
      async () => tarOf(Array.from({ length: 10_002 }, (_, at) => ({ name: `${at}`, content: '' }))),
    ],
  ])('%s is refused', async (_what, make) => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'x.tar');
    await writeFile(path, await make());
    await expect(archiveSource('x', path, {})).rejects.toMatchObject({
      code: expect.stringMatching(/ARCHIVE_INVALID$/),
    });
  });

  it.runIf(hasSkopeo)('by skopeo is read, in both of its forms', async () => {
    await using folder = await temporaryFolder();
    const layout = newLayout();
    const { digest } = addImage(layout);
    setIndex(layout, [named(addImage(layout), 'app:1')]);
    await layFiles(layout, join(folder.path, 'layout'));
    for (const form of ['oci-archive', 'docker-archive']) {
      const path = join(folder.path, `${form}.tar`);
      await mustRun(['skopeo', 'copy', '-q', `oci:${folder.path}/layout:app:1`, `${form}:${path}:app:1`]);
      const source = await archiveSource('x', path, {});
      expect(source.layers.map(({ diffId }) => diffId)).toEqual([digestOf(layer)]);
      const [bytes = Buffer.alloc(0)] = await layersOf(source);
      expect(`sha256:${createHash('sha256').update(bytes).digest('hex')}`).toBe(source.layers[0]?.digest);
      if (form === 'oci-archive') expect(source.digest).toBe(digest);
    }
  });
});
