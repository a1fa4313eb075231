/** Dockerfiles on Ward's own images, executed by the real buildah. */
import { existsSync } from 'node:fs';
import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { runCommand } from '../../lib/index.ts';
import { listTree, temporaryFolder, writeTestImage } from '../images.fixture.ts';
import { readImage, readIndex, refNameOf, tagManifest } from '../oci/layout.ts';
import { openImageStore } from '../store/image-store.ts';
import { buildDockerfileImage, hasDockerfile } from './dockerfile-image.ts';
import type { FunctionImage } from './function-image.ts';

const installed = process.env['WARD_IMAGES'] ?? '/var/lib/ward/images';
const hasBuildah = (await runCommand(['buildah', '--version']).catch(() => undefined))?.code === 0;
const missing =
  process.geteuid?.() !== 0
    ? 'needs root'
    : !hasBuildah
      ? 'needs buildah: apt-get install buildah'
      : existsSync(join(installed, 'index.json'))
        ? undefined
        : `needs the runtime images in ${installed}`;

type Files = Readonly<Record<string, string>>;

/** A store that has two of Ward's images through links to their blobs. */
async function workshop() {
  const folder = await temporaryFolder();
  const store = join(folder.path, 'store');
  await mkdir(join(store, 'blobs/sha256'), { recursive: true });
  for (const name of await readdir(join(installed, 'blobs/sha256')))
    await symlink(join(installed, 'blobs/sha256', name), join(store, 'blobs/sha256', name));
  for (const entry of (await readIndex(installed))?.manifests ?? []) {
    const name = refNameOf(entry);
    if (name === 'nodejs:24' || name === 'native:13' || name === 'base:13')
      await tagManifest(store, entry, [name]);
  }
  return { store, path: folder.path, [Symbol.asyncDispose]: folder[Symbol.asyncDispose] };
}

/** buildah's storage copies every layer, which is slow on a busy disk. */
const timeout = 240_000;
const title = `an image of a Dockerfile${missing ? ` (${missing})` : ''}`;

describe.skipIf(missing !== undefined)(title, { timeout }, () => {
  let shop: Awaited<ReturnType<typeof workshop>>;
  let count = 0;
  beforeAll(async () => {
    shop = await workshop();
  });
  afterAll(async () => {
    await shop?.[Symbol.asyncDispose]();
  });

  async function folderOf(files: Files): Promise<string> {
    const folder = join(shop.path, `source-${++count}`);
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), text);
    }
    return folder;
  }

  const build = async (files: Files, options: object = {}): Promise<FunctionImage> =>
    buildDockerfileImage({
      folder: await folderOf(files),
      storeDir: shop.store,
      layoutDir: shop.store,
      ...options,
    });

  /** The content of the layers above the base, and the configuration. */
  async function contentOf(image: FunctionImage) {
    await tagManifest(shop.store, image.descriptor, ['built:1']);
    await using store = await openImageStore({ dir: shop.store, mountsDir: join(shop.path, 'mounts') });
    const { layerDirs, config } = await store.resolve('built:1');
    const own = layerDirs.slice(image.layers.filter(({ role }) => role === 'base').length);
    const trees = await Promise.all(own.map(listTree));
    return { tree: Object.assign({}, ...trees), config };
  }

  it('has the base’s layers unchanged, the Dockerfile’s additions, and a server', async () => {
    const steps: string[] = [];
    const entry = (await readIndex(shop.store))?.manifests.find((each) => refNameOf(each) === 'nodejs:24');
    if (entry === undefined) throw new Error('there is no nodejs:24');
    const { manifest: original } = await readImage(shop.store, entry);
    const image = await build(
      {
        Dockerfile:
          'FROM nodejs:24\nLABEL colour=blue\nENV A=b\nCOPY . /fn\n' +
          'RUN ["/usr/bin/node", "-e", "fs.writeFileSync(\'/tmp/made\', String(process.getuid()))"]\n',
        'index.js': 'exports.main = () => ({})',
        '.env': 'SECRET=x',
        'note.md': '',
        '.dockerignore': '*.md\nDockerfile\n',
      },
      { progress: (line: string) => steps.push(line) },
    );
    expect(image.layers.map(({ role }) => role)).toEqual([
      ...original.layers.map(() => 'base'),
      'dockerfile',
      'server',
    ]);
    expect(image.warnings).toEqual([]);
    expect(steps.some((line) => /^STEP 3\/\d+: /.test(line))).toBe(true);
    const { tree, config } = await contentOf(image);
    expect(tree).toMatchObject({ 'fn/index.js': 'exports.main = () => ({})', 'tmp/made': '1000' });
    for (const path of ['fn/.env', 'fn/note.md', 'fn/.dockerignore', 'fn/Dockerfile'])
      expect(tree).not.toHaveProperty([path]);
    expect(config).toMatchObject({
      user: '1000:1000',
      workingDir: '/fn',
      entrypoint: expect.arrayContaining(['/ward/http/nodejs/server.cjs']),
      env: expect.arrayContaining(['A=b', 'LANG=C.UTF-8']),
      labels: { colour: 'blue', 'org.opencontainers.image.base.name': 'nodejs:24' },
    });
    const { manifest } = await readImage(shop.store, image.descriptor);
    expect(manifest.layers.slice(0, original.layers.length)).toEqual(original.layers);
  });

  it('is the same each time', async () => {
    const files = {
      Dockerfile: 'FROM base:13\nCOPY a.js /fn/\nRUN ["/usr/bin/env"]\nCMD ["/a"]\n',
      'a.js': 'x',
    };
    const first = await build(files);
    vi.stubEnv('TZ', 'Asia/Tokyo');
    expect((await build(files)).digest).toBe(first.digest);
    vi.unstubAllEnvs();
    expect((await build({ ...files, 'a.js': 'y' })).digest).not.toBe(first.digest);
  });

  it('runs the program and the user that the Dockerfile names', async () => {
    const own = await build({ Dockerfile: 'FROM base:13\nUSER 0\nCMD ["node", "/app.js"]\n' });
    expect(own.entrypoint).toEqual(['node', '/app.js']);
    expect(own.warnings).toEqual([expect.stringContaining('USER 1000:1000')]);
    const both = await build({ Dockerfile: 'FROM base:13\nENTRYPOINT ["/a"]\nCMD ["b"]\n' });
    expect(both.entrypoint).toEqual(['/a', 'b']);
    expect(both.layers.some(({ role }) => role === 'server')).toBe(false);
    await expect(build({ Dockerfile: 'FROM base:13\nENV A=b\n' })).rejects.toThrow('Ward has no server');
  });

  it('can have stages, arguments and a shell', async () => {
    const image = await build(
      {
        Dockerfile:
          'FROM native:13 AS make\nARG WHO=nobody\nUSER root\nRUN mkdir -p /fn && echo "$WHO" > /fn/made.txt\n' +
          'FROM base:13\nCMD ["/a"]\nCOPY --from=make /fn /fn\nCOPY --from=base:13 /usr/bin/setpriv /fn/setpriv\n',
      },
      { buildArgs: ['WHO=somebody'] },
    );
    expect(image.base.name).toBe('base:13');
    expect((await contentOf(image)).tree).toMatchObject({
      'fn/made.txt': 'somebody\n',
      'fn/setpriv': expect.any(String),
    });
  });

  it('has no network while it is built', async () => {
    // Two header lines, and the loopback device of every network namespace.
    const Dockerfile = 'FROM native:13\nRUN echo SEEN $(cat /proc/net/dev | wc -l); exit 7\n';
    await expect(build({ Dockerfile })).rejects.toMatchObject({
      code: 'DOCKERFILE_FAILED',
      message: expect.stringMatching(/SEEN 3$/m),
    });
    await expect(
      build({ Dockerfile: 'FROM base:13\nADD http://127.0.0.1:1/x /fn/x\n' }),
    ).rejects.toMatchObject({ code: 'DOCKERFILE_FAILED' });
  });

  it.each([
    ['FROM debian:13\n', 'BASE_NOT_TRUSTED'],
    ['FROM docker.io/library/node:24\n', 'BASE_NOT_TRUSTED'],
    [`FROM nodejs:24@sha256:${'0'.repeat(64)}\n`, 'BASE_NOT_TRUSTED'],
    ['FROM nodejs:24\nCOPY --from=alpine:3 /x /x\n', 'BASE_NOT_TRUSTED'],
    ['FROM oci:/var/lib/ward/images:nodejs:24\n', 'BASE_NOT_TRUSTED'],
    ['FROM scratch\n', 'DOCKERFILE_INVALID'],
    ['FROM base:13\nRUN ["/nowhere"]\n', 'DOCKERFILE_FAILED'],
    ['FROM base:13\nNONSENSE\n', 'DOCKERFILE_FAILED'],
    ['FROM base:13\nCOPY missing /fn\n', 'DOCKERFILE_FAILED'],
  ])('%j is refused: %s', async (Dockerfile, code) => {
    await expect(build({ Dockerfile })).rejects.toMatchObject({ code });
  });

  it('reports its steps with the names in the Dockerfile, and the output of its RUN lines', async () => {
    const lines: string[] = [];
    const progress = (line: string) => lines.push(line);
    const Dockerfile =
      'FROM native:13 AS a\nRUN echo seen > /tmp/x && cat /tmp/x\nFROM base:13\nCOPY --from=a /tmp/x /x\nCMD ["/x"]\n';
    await build({ Dockerfile }, { progress });
    expect(lines).toEqual([
      'reading the folder',
      '[1/2] STEP 1/2: FROM native:13 AS a',
      '[1/2] STEP 2/2: RUN echo seen > /tmp/x && cat /tmp/x',
      '  seen',
      '[2/2] STEP 1/3: FROM base:13',
      '[2/2] STEP 2/3: COPY --from=a /tmp/x /x',
      '[2/2] STEP 3/3: CMD ["/x"]',
      'packing the result',
    ]);
  });

  it.each([
    ['without a shell', 'FROM base:13\nRUN true\n', /has no shell, but native:13 has/],
    ['without the program', 'FROM base:13\nRUN ["npm", "ci"]\n', /no such program/],
    ['as the user of the image', 'FROM native:13\nRUN mkdir /out\n', /USER root/],
  ])('has a hint for a RUN line %s', async (_title, Dockerfile, hint) => {
    await expect(build({ Dockerfile })).rejects.toMatchObject({
      code: 'DOCKERFILE_FAILED',
      message: expect.stringMatching(/^the Dockerfile failed: STEP 1\/2: FROM (?:base|native):13$/m),
      hint: expect.stringMatching(hint),
    });
  });

  it('refuses a context outside the folder', async () => {
    const folder = await folderOf({ Dockerfile: 'FROM nodejs:24\nCOPY . /fn\n' });
    await symlink('/etc', join(folder, 'etc'));
    await expect(
      buildDockerfileImage({ folder, storeDir: shop.store, layoutDir: shop.store }),
    ).rejects.toMatchObject({ code: 'BUILD_FOLDER_INVALID' });
  });

  it('leaves no files, even when it is stopped', async () => {
    const controller = new AbortController();
    const progress = (line: string) => {
      if (line.startsWith('STEP 2')) controller.abort();
    };
    const Dockerfile = 'FROM native:13\nRUN sleep 3600\n';
    await expect(build({ Dockerfile }, { signal: controller.signal, progress })).rejects.toThrow('aborted');
    const left = await readdir(shop.path, { recursive: true });
    expect(left.filter((name) => name.includes('.tmp-work-'))).toEqual([]);
  });
});

describe('a folder', () => {
  it('is built from its Dockerfile if it has one', async () => {
    await using folder = await temporaryFolder();
    expect(await hasDockerfile(folder.path)).toBe(false);
    await writeFile(join(folder.path, 'Dockerfile'), '');
    expect(await hasDockerfile(folder.path)).toBe(true);
  });

  it.skipIf(process.geteuid?.() !== 0)('with a Dockerfile needs buildah', async () => {
    await using folder = await temporaryFolder();
    await writeTestImage(join(folder.path, 'store'), { tag: 'a:1', layers: [] });
    await mkdir(join(folder.path, 'source'));
    await writeFile(join(folder.path, 'source/Dockerfile'), 'FROM a:1\n');
    vi.stubEnv('PATH', folder.path);
    const options = { folder: join(folder.path, 'source'), storeDir: join(folder.path, 'store') };
    await expect(buildDockerfileImage({ ...options, layoutDir: options.storeDir })).rejects.toMatchObject({
      code: 'BUILDAH_MISSING',
      hint: expect.stringContaining('apt-get install'),
    });
    vi.unstubAllEnvs();
  });
});
