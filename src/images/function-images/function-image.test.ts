import { chmod, mkdir, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { blobPath } from '../../blobs/index.ts';
import { mustRun, runCommand } from '../../lib/index.ts';
import { listTree, tarOf, temporaryFolder, writeTestImage } from '../images.fixture.ts';
import { readImage, readIndex, tagManifest } from '../oci/layout.ts';
import { openImageStore } from '../store/image-store.ts';
import { buildFunctionImage, type FunctionImage, type FunctionImageOptions } from './function-image.ts';
import { writeLayoutArchive } from './layout-archive.ts';

const hasSkopeo = (await runCommand(['skopeo', '--version']).catch(() => undefined))?.code === 0;

type Files = Readonly<Record<string, string>>;

const nodeFunction: Files = {
  'index.js': 'exports.main = () => ({});',
  'lib/a.js': 'x',
  'node_modules/dep/index.js': 'y',
  'node_modules/dep/package.json': '{}',
};

/** A store with bases, and a folder beside it. */
async function workshop(files: Files = nodeFunction) {
  const folder = await temporaryFolder();
  const store = join(folder.path, 'store');
  const source = join(folder.path, 'source');
  const layers = [await tarOf([{ name: 'usr/bin/node', content: 'node', mode: 0o755 }])];
  await writeTestImage(store, { tag: 'nodejs:24', layers, labels: { 'ward.kind': 'nodejs:24' } });
  await writeTestImage(store, { tag: 'python:3.13', layers, labels: { 'ward.kind': 'python:3.13' } });
  await writeTestImage(store, { tag: 'base:13', layers });
  await write(source, files);
  const build = (options: Partial<FunctionImageOptions> = {}) =>
    buildFunctionImage({ folder: source, storeDir: store, layoutDir: store, ...options });
  return { store, source, path: folder.path, build, [Symbol.asyncDispose]: folder[Symbol.asyncDispose] };
}

async function write(folder: string, files: Files): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
}

const rolesOf = ({ layers }: FunctionImage) => layers.map(({ role }) => role);
const layerOf = ({ layers }: FunctionImage, role: string) =>
  layers.find((each) => each.role === role)?.digest;

afterEach(() => vi.unstubAllEnvs());

describe('an image of a folder', () => {
  it('has the base’s layers, a server, the dependencies and the code', async () => {
    await using shop = await workshop();
    const image = await shop.build();
    expect(rolesOf(image)).toEqual(['base', 'server', 'dependencies', 'code']);
    await tagManifest(shop.store, image.descriptor, ['mine:1']);
    await using store = await openImageStore({ dir: shop.store, mountsDir: join(shop.path, 'mounts') });
    const { layerDirs, config } = await store.resolve('mine:1');
    const trees = await Promise.all(layerDirs.slice(1).map(listTree));
    expect(Object.keys(trees[0] ?? {})).toContain('ward/http/nodejs/server.cjs');
    expect(Object.keys(trees[0] ?? {})).toContain('ward/nodejs/code.cjs');
    expect(trees[1]).toMatchObject({ 'fn/node_modules/dep/index.js': 'y' });
    expect(trees[1]).not.toHaveProperty(['fn/index.js']);
    expect(trees[2]).toEqual({
      ...{ fn: 'folder', 'fn/index.js': nodeFunction['index.js'], 'fn/lib': 'folder', 'fn/lib/a.js': 'x' },
    });
    expect(config).toMatchObject({
      user: '1000:1000',
      workingDir: '/fn',
      entrypoint: expect.arrayContaining(['/ward/http/nodejs/server.cjs']),
      cmd: [],
      env: ['A=b'],
    });
  });

  it('names its base, and has the labels of the package', async () => {
    const about = {
      ...{ name: 'titles', version: '1.2.3', license: 'MIT', description: 'a\u0007b' },
      repository: { url: 'git+https://user:secret@example.com/titles.git' },
    };
    await using shop = await workshop({ ...nodeFunction, 'package.json': JSON.stringify(about) });
    const { descriptor, base } = await shop.build({ labels: { colour: 'blue' } });
    const { manifest, config } = await readImage(shop.store, descriptor);
    expect(config.config?.Labels).toEqual({
      colour: 'blue',
      'org.opencontainers.image.base.digest': base.digest,
      'org.opencontainers.image.base.name': 'nodejs:24',
      'org.opencontainers.image.created': '2026-01-01T00:00:00Z',
      'org.opencontainers.image.licenses': 'MIT',
      'org.opencontainers.image.source': 'https://example.com/titles.git',
      'org.opencontainers.image.title': 'titles',
      'org.opencontainers.image.version': '1.2.3',
      'ward.kind': 'nodejs:24',
    });
    expect(manifest.annotations).toEqual(config.config?.Labels);
  });

  it('is the same each time, wherever and whenever the folder was written', async () => {
    await using shop = await workshop();
    const first = await shop.build();
    const elsewhere = join(shop.path, 'elsewhere');
    for (const path of Object.keys(nodeFunction).reverse())
      await write(elsewhere, { [path]: nodeFunction[path] ?? '' });
    await utimes(join(elsewhere, 'index.js'), 1, 1);
    await chmod(join(elsewhere, 'index.js'), 0o600);
    vi.stubEnv('TZ', 'Asia/Tokyo');
    const layoutDir = join(shop.path, 'layout');
    expect((await shop.build({ folder: elsewhere, layoutDir })).digest).toBe(first.digest);
    await writeFile(join(elsewhere, 'index.js'), 'other');
    expect((await shop.build({ folder: elsewhere })).digest).not.toBe(first.digest);
  });

  it('has the date of SOURCE_DATE_EPOCH, but its layers do not', async () => {
    await using shop = await workshop();
    const first = await shop.build();
    vi.stubEnv('SOURCE_DATE_EPOCH', '86400');
    const second = await shop.build();
    expect((await readImage(shop.store, second.descriptor)).config.created).toBe('1970-01-02T00:00:00.000Z');
    expect(second.layers).toEqual(first.layers);
    vi.stubEnv('SOURCE_DATE_EPOCH', 'yesterday');
    await expect(shop.build()).rejects.toThrow('SOURCE_DATE_EPOCH is not a number');
  });

  it('keeps the layers of unchanged files', async () => {
    await using shop = await workshop();
    const first = await shop.build();
    await write(shop.source, { 'index.js': 'exports.main = () => ({ other: true });' });
    const second = await shop.build();
    for (const role of ['base', 'server', 'dependencies'])
      expect(layerOf(second, role)).toBe(layerOf(first, role));
    expect(layerOf(second, 'code')).not.toBe(layerOf(first, 'code'));
    await write(shop.source, { 'node_modules/dep/index.js': 'z' });
    const third = await shop.build();
    expect(layerOf(third, 'dependencies')).not.toBe(layerOf(first, 'dependencies'));
    expect(layerOf(third, 'code')).toBe(layerOf(second, 'code'));
  });

  it('has files that all users can read, without special bits, owners or dates', async () => {
    await using shop = await workshop({ ...nodeFunction, 'bin/tool': '#!' });
    await chmod(join(shop.source, 'bin/tool'), 0o6750);
    await chmod(join(shop.source, 'index.js'), 0o4600);
    const image = await shop.build();
    const blob = blobPath(shop.store, layerOf(image, 'code') ?? image.digest);
    const listed = await mustRun(['tar', '--zstd', '--numeric-owner', '--utc', '-tvf', blob]);
    const lines = listed
      .trim()
      .split('\n')
      .map((line) => line.split(/\s+/));
    expect(lines.map(([mode, owner, , date, , path]) => [mode, owner, date, path])).toEqual([
      ['drwxr-xr-x', '0/0', '1980-01-01', 'fn/'],
      ['drwxr-xr-x', '0/0', '1980-01-01', 'fn/bin/'],
      ['-rwxr-xr-x', '0/0', '1980-01-01', 'fn/bin/tool'],
      ['-rw-r--r--', '0/0', '1980-01-01', 'fn/index.js'],
      ['drwxr-xr-x', '0/0', '1980-01-01', 'fn/lib/'],
      ['-rw-r--r--', '0/0', '1980-01-01', 'fn/lib/a.js'],
    ]);
  });

  it('holds files that are longer than one read', async () => {
    const long = 'long '.repeat(200_000);
    await using shop = await workshop({ ...nodeFunction, 'data.txt': long, 'empty.txt': '' });
    const image = await shop.build();
    const blob = blobPath(shop.store, layerOf(image, 'code') ?? image.digest);
    const options = { maxOutputBytes: 4 * 1024 * 1024 };
    expect(await mustRun(['tar', '--zstd', '-xOf', blob, 'fn/data.txt'], options)).toBe(long);
  });

  it('uses the base that the folder’s files suggest, or the named one', async () => {
    await using shop = await workshop({ '__main__.py': '' });
    expect((await shop.build()).base.name).toBe('python:3.13');
    await write(shop.source, { 'index.js': '' });
    await expect(shop.build()).rejects.toThrow('do not show which language');
    expect((await shop.build({ kind: 'nodejs:default' })).base.name).toBe('nodejs:24');
    expect((await shop.build({ base: 'python:3.13' })).base.name).toBe('python:3.13');
    await expect(shop.build({ base: 'python:3.13', kind: 'nodejs:24' })).rejects.toThrow(
      'does not run nodejs:24',
    );
    await expect(shop.build({ kind: 'cobol:1' })).rejects.toThrow('the kind "cobol:1" does not exist');
  });

  it('refuses a base that is not in the store', async () => {
    await using shop = await workshop();
    await writeTestImage(join(shop.path, 'foreign'), { tag: 'x:1', layers: [] });
    for (const base of ['nowhere:1', `oci:${shop.path}/foreign:x:1`, 'rootfs:/', 'docker.io/library/node:24'])
      await expect(shop.build({ base })).rejects.toMatchObject({ code: 'BASE_NOT_TRUSTED' });
    const { base } = await shop.build();
    expect((await shop.build({ base: `nodejs:24@${base.digest}` })).base).toEqual(base);
    const other = `sha256:${'0'.repeat(64)}`;
    await expect(shop.build({ base: `nodejs:24@${other}` })).rejects.toMatchObject({
      code: 'BASE_NOT_TRUSTED',
      message: expect.stringContaining(other),
    });
    await rm(blobPath(shop.store, layerOf(await shop.build(), 'base') ?? base.digest));
    await expect(shop.build()).rejects.toMatchObject({ code: 'IMAGE_INVALID' });
  });

  it('is for another architecture if the base exists for it', async () => {
    await using shop = await workshop();
    const labels = { 'ward.kind': 'nodejs:24' };
    await writeTestImage(shop.store, { tag: 'foreign:1', layers: [], architecture: 'riscv64', labels });
    const image = await shop.build({ base: 'foreign:1', architecture: 'riscv64' });
    expect(image.descriptor.platform).toEqual({ architecture: 'riscv64', os: 'linux' });
    await expect(shop.build({ architecture: 'riscv64' })).rejects.toMatchObject({ code: 'IMAGE_INVALID' });
    await expect(shop.build({ base: 'foreign:1' })).rejects.toMatchObject({ code: 'IMAGE_INVALID' });
  });

  it('runs its own program on a base without Ward’s server', async () => {
    await using shop = await workshop({ server: '#!' });
    await expect(shop.build({ base: 'base:13' })).rejects.toThrow(
      'Ward has no server for functions on base:13',
    );
    const image = await shop.build({ base: 'base:13', entrypoint: ['/fn/server', '--port', '8080'] });
    expect(rolesOf(image)).toEqual(['base', 'code']);
    const { config } = await readImage(shop.store, image.descriptor);
    expect(config.config?.Entrypoint).toEqual(['/fn/server', '--port', '8080']);
  });

  it('needs files, including the entry point', async () => {
    await using shop = await workshop({ 'lib/a.js': '' });
    await expect(shop.build({ kind: 'nodejs:24' })).rejects.toThrow('no package.json and no index.js');
    await rm(join(shop.source, 'lib/a.js'));
    await expect(shop.build({ kind: 'nodejs:24' })).rejects.toThrow('nothing to put into an image');
  });

  it('leaves nothing partial when a file changes during the build', async () => {
    await using shop = await workshop();
    const before = await readdir(join(shop.store, 'blobs/sha256'));
    const progress = (line: string) => {
      if (line === 'packing code') throw new Error('stop');
    };
    await expect(shop.build({ progress })).rejects.toThrow('stop');
    await expect(shop.build({ signal: AbortSignal.abort() })).rejects.toThrow('aborted');
    const names = await readdir(join(shop.store, 'blobs/sha256'));
    expect(names.filter((name) => !/^[0-9a-f]{64}$/.test(name))).toEqual([]);
    expect(names).toEqual(expect.arrayContaining(before));
  });
});

describe('an image for another store', () => {
  it('is complete in its own layout', async () => {
    await using shop = await workshop();
    const layoutDir = join(shop.path, 'layout');
    const image = await shop.build({ layoutDir });
    await tagManifest(layoutDir, image.descriptor, ['mine:1']);
    for (const { digest, sizeBytes } of image.layers)
      expect((await readFile(blobPath(layoutDir, digest))).length).toBe(sizeBytes);
    expect((await readIndex(layoutDir))?.manifests).toHaveLength(1);
    expect((await readIndex(shop.store))?.manifests).toHaveLength(3);
  });

  it.runIf(hasSkopeo)('is read by skopeo, in a layout and in an archive', async () => {
    await using shop = await workshop();
    const layoutDir = join(shop.path, 'layout');
    const { descriptor, digest } = await shop.build({ layoutDir });
    await tagManifest(layoutDir, descriptor, ['mine:1']);
    const archive = join(shop.path, 'mine.tar');
    await writeLayoutArchive(layoutDir, descriptor, 'mine:1', archive);
    for (const reference of [`oci:${layoutDir}:mine:1`, `oci-archive:${archive}`]) {
      const said = JSON.parse(await mustRun(['skopeo', 'inspect', reference]));
      expect(said).toMatchObject({ Digest: digest });
      // skopeo checks every digest.
      await mustRun(['skopeo', 'copy', '-q', reference, `dir:${join(shop.path, 'copy')}`]);
    }
  });

  it('is the same archive each time', async () => {
    await using shop = await workshop();
    const { descriptor } = await shop.build();
    const [a = '', b = ''] = ['a.tar', 'b.tar'].map((name) => join(shop.path, name));
    await writeLayoutArchive(shop.store, descriptor, 'mine:1', a);
    await writeLayoutArchive(shop.store, descriptor, 'mine:1', b);
    expect((await readFile(a)).equals(await readFile(b))).toBe(true);
    expect(await readdir(shop.path)).toEqual(expect.arrayContaining(['a.tar', 'b.tar', 'source', 'store']));
    expect((await readdir(shop.path)).filter((name) => name.startsWith('.tmp-'))).toEqual([]);
  });
});
