import { cp, link, lstat, mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { digestHex } from '../../blobs/index.ts';
import { type CommandResult, messageOf, mustRun, runCommand } from '../../lib/index.ts';
import { canMount, temporaryFolder } from '../images.fixture.ts';
import { readIndex, refNameOf } from '../oci/layout.ts';
import { openImageStore } from '../store/image-store.ts';
import type { Image } from '../types.ts';
import { openApt } from './apt.ts';
import { runInside } from './inside.ts';
import { type BuildInputs, buildLayer, layerRecipe } from './layers.ts';
import { loadRecipe, type Recipe } from './recipe.ts';
import { installedRunnersDir } from './runner.ts';
import { buildRuntimeImages } from './runtime-images.ts';
import { runtimeImagesReady } from './stamp.ts';
import { hostArchitecture } from './target.ts';

const installed = process.env['WARD_IMAGES'] ?? '/var/lib/ward/images';
const isInstalled =
  (await lstat(join(installed, 'build', 'stamp.json')).catch(() => undefined)) !== undefined;
const hasSkopeo = (await runCommand(['skopeo', '--version']).catch(() => undefined))?.code === 0;
const slowMs = 600_000;
const quiet = () => {};

/** A store that shares another one's content through links, so that it is cheap to change. */
async function linkedStore(dir: string, from: string): Promise<void> {
  for (const folder of ['blobs/sha256', 'layers/unpacked', 'build/debs', 'build/npm']) {
    await mkdir(join(dir, folder), { recursive: true });
    for (const name of await readdir(join(from, folder))) {
      await symlink(join(from, folder, name), join(dir, folder, name));
    }
  }
  for (const file of ['index.json', 'oci-layout', 'build/stamp.json', 'build/layers']) {
    await cp(join(from, file), join(dir, file), { recursive: true });
  }
  await copyAnswers(from, dir);
}

/** apt's caches and its earlier answer, if there is one: a new answer takes half a minute. */
async function copyAnswers(from: string, dir: string): Promise<void> {
  const options = { recursive: true, preserveTimestamps: true };
  await cp(join(from, 'build/apt'), join(dir, 'build/apt'), options).catch(quiet);
}

const place = await temporaryFolder();
afterAll(() => place[Symbol.asyncDispose]());
let built: Promise<string> | undefined;

/** A store of images built from the current sources, made once: the installed images can be older. */
function currentStore(): Promise<string> {
  built ??= (async () => {
    const dir = join(place.path, 'current');
    await linkedStore(dir, installed);
    await buildRuntimeImages({ dir });
    return dir;
  })();
  return built;
}

describe.runIf(isInstalled)('the stamp (of images that setup built)', () => {
  it('rejects an empty folder', async () => {
    await using folder = await temporaryFolder();
    expect(await runtimeImagesReady(folder.path)).toBe(false);
  });

  it(
    'rejects images when a blob, a layer or the index is missing, or a runner changed',
    async () => {
      await using folder = await temporaryFolder();
      const dir = join(folder.path, 'store');
      await linkedStore(dir, await currentStore());
      const runners = join(folder.path, 'runners');
      await cp(installedRunnersDir, runners, { recursive: true });
      expect(await runtimeImagesReady(dir, runners)).toBe(true);

      await writeFile(join(runners, 'python', 'more.py'), '# more');
      expect(await runtimeImagesReady(dir, runners)).toBe(false);
      const lines: string[] = [];
      await buildRuntimeImages({ dir, runnersDir: runners, progress: (line) => lines.push(line) });
      expect(lines).toEqual(['resolving packages', 'building layer python-runner']);
      expect(await runtimeImagesReady(dir, runners)).toBe(true);

      const manifest = await manifestOf(dir, 'base:13');
      await using store = await openImageStore({ dir, mountsDir: join(folder.path, 'mounts') });
      // Not just any file in the folder, which keeps files of earlier builds.
      const [layerDir = ''] = (await store.resolve('base:13')).layerDirs;
      for (const path of [layerDir, join(dir, 'blobs/sha256', manifest)]) {
        await rename(path, join(dir, 'aside'));
        expect(await runtimeImagesReady(dir, runners)).toBe(false);
        await rename(join(dir, 'aside'), path);
      }
      expect(await runtimeImagesReady(dir, runners)).toBe(true);
    },
    slowMs,
  );
});

/** The hex name of an image's manifest; the store can have the operator's images before it. */
async function manifestOf(dir: string, name: string): Promise<string> {
  const entry = (await readIndex(dir))?.manifests.find((each) => refNameOf(each) === name);
  if (entry === undefined) throw new Error(`${dir} has no ${name}`);
  return digestHex(entry.digest);
}

/** Compiles one package of Python, as it would all of them: the test of the installed layers compiles many. */
function smallRecipe(): Recipe {
  const recipe = loadRecipe();
  const bytecode = { python: 'usr/bin/python3.13', folder: 'usr/lib/python3.13/sysconfig' };
  const python = { ...layerRecipe(recipe, 'python-3.13'), bytecode };
  return { ...recipe, layers: { ...recipe.layers, 'python-3.13': python } };
}

describe('a build', () => {
  it(
    'makes the same digests from the same packages, including bytecode',
    async () => {
      await using folder = await temporaryFolder();
      const recipe = smallRecipe();
      const debs = join(folder.path, 'build', 'debs');
      await mkdir(debs, { recursive: true });
      await copyAnswers(installed, folder.path);
      for (const name of await readdir(join(installed, 'build', 'debs')).catch(() => [])) {
        await link(join(installed, 'build', 'debs', name), join(debs, name)).catch(quiet);
      }
      const apt = await openApt({ cacheDir: join(folder.path, 'build'), ...recipe.debian });
      const [base, minimal] = await Promise.all([
        apt.resolve(['libc6', 'libgcc-s1', 'tzdata']),
        apt.resolve(['python3.13-minimal']),
      ]);
      const below = new Set(base.map(({ name }) => name));
      const packages = new Map([
        ['base', base.filter(({ name }) => name !== 'debconf')],
        ['python-3.13', minimal.filter(({ name }) => !below.has(name) && name !== 'openssl-provider-legacy')],
      ]);
      const inputs = async (name: string, epoch?: number): Promise<BuildInputs> => {
        const storeDir = join(folder.path, name);
        const cacheDir = join(storeDir, 'build');
        await mkdir(cacheDir, { recursive: true });
        const common = { recipe, target: hostArchitecture(), apt, packages, runners: new Map() };
        return { ...common, storeDir, cacheDir, epoch, signal: undefined, progress: quiet };
      };
      const [first, second, dated] = [
        await inputs('a'),
        await inputs('second'),
        await inputs('dated', 1_600_000_000),
      ];
      expect(loadRecipe().layers['python-3.13']?.bytecode).toBeDefined();
      const original = await buildLayer('base', first);
      expect(await buildLayer('base', second)).toEqual(original);
      expect(await buildLayer('python-3.13', second)).toEqual(await buildLayer('python-3.13', first));
      const other = await buildLayer('base', dated);
      expect(other.epoch).toBe(1_600_000_000);
      expect(other.diffId).not.toBe(original.diffId);
    },
    slowMs,
  );

  it.runIf(isInstalled && canMount())(
    'rebuilds the installed layers: Java linked and archived, Python compiled, modules installed',
    async () => {
      await using folder = await temporaryFolder();
      const dir = join(folder.path, 'store');
      await linkedStore(dir, await currentStore());
      const names = ['java:21', 'nodejs:22-openwhisk', 'python:3.13-openwhisk'];
      const digests = async () =>
        (await readIndex(dir))?.manifests.flatMap((entry) =>
          names.includes(refNameOf(entry) ?? '') ? [`${refNameOf(entry)} ${entry.digest}`] : [],
        );
      const before = await digests();
      for (const name of await readdir(join(dir, 'build/layers'))) {
        const file = join(dir, 'build/layers', name);
        if (/openjdk|python3-twisted|express/.test(await readFile(file, 'utf8'))) await rm(file);
      }
      const lines: string[] = [];
      await buildRuntimeImages({ dir, progress: (line) => lines.push(line) });
      expect(lines.toSorted()).toEqual([
        'building layer java-21',
        'building layer nodejs-openwhisk-modules',
        'building layer python-openwhisk-modules',
        'resolving packages',
      ]);
      expect(before).toHaveLength(names.length);
      expect((await digests())?.toSorted()).toEqual(before?.toSorted());
    },
    slowMs,
  );

  it('asks apt again only when its lists have changed, or its answer is damaged', async () => {
    await using folder = await temporaryFolder();
    await copyAnswers(installed, folder.path);
    const cacheDir = join(folder.path, 'build');
    const answers = join(cacheDir, 'apt/answers');
    await rm(answers, { recursive: true, force: true });
    const resolved = async () => (await openApt({ cacheDir, ...loadRecipe().debian })).resolve(['tzdata']);
    const first = await resolved();
    expect(first.map(({ name }) => name)).toContain('tzdata');
    const [name = ''] = await readdir(answers);
    const { lists } = JSON.parse(await readFile(join(answers, name), 'utf8'));
    const write = (answer: object) => writeFile(join(answers, name), JSON.stringify(answer));
    await write({ lists, packages: first.slice(1) });
    expect(await resolved()).toEqual(first.slice(1));
    await write({ lists: `${lists} of yesterday`, packages: first.slice(1) });
    expect(await resolved()).toEqual(first);
    await writeFile(join(answers, name), '{"lists":');
    expect(await resolved()).toEqual(first);
  });

  it('refuses packages of an unlisted source', async () => {
    await using folder = await temporaryFolder();
    const work = openApt({ cacheDir: folder.path, origins: ['Nobody'], suites: ['trixie'] });
    await expect(work).rejects.toMatchObject({ code: 'IMAGE_BUILD_FAILED' });
  });
});

describe.runIf(isInstalled && canMount())(
  'an image that setup built (root in a private mount namespace)',
  () => {
    const { images, forbidden, layers } = loadRecipe();
    const modules = Object.values(layers).flatMap((layer) => layer.modules.map(({ name }) => name));
    const fromNpm = new Set(['nodejs', ...modules]);
    const names = images.map(({ name }) => name);

    it.each(images.map(({ name, allow }) => [name, allow] as const))(
      '%s has no forbidden shell, package manager or setuid file, and has its package database',
      async (name, allow) => {
        await using test = await mounted(name);
        const { image, path } = test;
        const isThere = async (file: string) =>
          (await lstat(join(path, file)).catch(() => undefined)) !== undefined;
        const wrong = [...forbidden, 'usr/share/doc', 'usr/share/man', 'usr/share/locale'];
        for (const file of wrong) expect(await isThere(file), file).toBe(allow.includes(file));
        expect(await mustRun(['find', path, '-perm', '/6000'])).toBe('');
        const shells = await mustRun(['find', path, '(', '-name', '*.sh', '-o', '-name', 'sh', ')']);
        const unexpected = shells
          .split('\n')
          .filter((file) => file !== '' && !allow.includes(file.slice(path.length + 1)));
        expect(unexpected).toEqual([]);
        const debian = (image.config.labels['ward.versions'] ?? '')
          .split(' ')
          .filter((item) => !fromNpm.has(item.split('=', 1)[0] ?? ''));
        expect(debian.length).toBeGreaterThan(8);
        for (const item of debian) {
          const [debName, version] = item.split('=');
          const status = await readFile(join(path, 'var/lib/dpkg/status.d', debName ?? ''), 'utf8');
          expect(status).toMatch(/^Package: .+\nStatus: install ok installed\n/);
          expect(status).toContain(`\nVersion: ${version}\n`);
        }
        expect((await lstat(join(path, 'lib'))).isSymbolicLink()).toBe(true);
        expect(await readFile(join(path, 'etc/os-release'), 'utf8')).toContain('VERSION_ID="13"');
      },
    );

    it.each(names)('%s lists the checksums of its files', async (name) => {
      await using test = await mounted(name);
      const folder = join(test.path, 'var/lib/dpkg/status.d');
      const lists = (await readdir(folder))
        .filter((file) => file.endsWith('.md5sums'))
        .map((file) => join(folder, file));
      const sums = (await Promise.all(lists.map((file) => readFile(file, 'utf8')))).join('');
      expect(sums.split('\n').length).toBeGreaterThan(50);
      await mustRun(['md5sum', '--check', '--quiet', '--strict'], { cwd: test.path, input: sums });
    });

    const programs: readonly [string, readonly string[], RegExp][] = [
      ['base:13', ['--version'], /^setpriv from util-linux 2\.41/],
      [
        'nodejs:24',
        ['--no-new-privs', '/usr/bin/node', '-p', 'process.version + os.userInfo().username'],
        /^v24\..*function/,
      ],
      ['nodejs:22', ['--no-new-privs', '/usr/bin/node', '-p', 'process.version'], /^v22\./],
      [
        'python:3.13',
        [
          '--landlock-access',
          'fs:write',
          '/usr/bin/python3.13',
          '-B',
          '-c',
          'import ssl, sqlite3, json, zoneinfo; print(len(ssl.create_default_context().get_ca_certs()) > 100, json.__cached__, zoneinfo.ZoneInfo("Europe/Berlin"))',
        ],
        /^True \/usr\/lib\/python3\.13\/json\/__pycache__\/\S+ Europe\/Berlin$/m,
      ],
      [
        'native:13',
        ['--no-new-privs', '/usr/bin/sh', '-c', 'echo \'{"a": [1]}\' | jq -c .a | sed s/1/2/'],
        /^\[2\]$/m,
      ],
      // Loads the runner's imports and ends.
      ['go:1.24', ['/usr/bin/python3.13', '-S', '-B', '/ward/contracts.py'], /^$/],
      ['php:8.4', ['/usr/bin/php', '-r', 'echo mb_strtoupper("é"), PHP_VERSION;'], /^É8\.4\./],
      ['ruby:3.3', ['/usr/bin/ruby', '-rjson', '-ryaml', '-ropenssl', '-e', 'puts RUBY_VERSION'], /^3\.3\./],
    ];

    it.each(programs)('%s runs through setpriv as the user of a function', async (name, argv, said) => {
      await using test = await mounted(name);
      const result: CommandResult = await runCommand(
        ['chroot', '--userspec=1000:1000', test.path, '/usr/bin/setpriv', ...argv],
        { env: { PATH: '/usr/sbin:/usr/bin', LANG: 'C.UTF-8' } },
      );
      expect(result.stderr).toBe('');
      expect(result.stdout).toMatch(said);
    });

    it('has a Java that accepts its class archive, and has no compiler', async () => {
      await using test = await mounted('java:21');
      const [program = '', ...flags] = test.image.config.entrypoint.slice(0, -1);
      const run = (...args: string[]) => runInside(test.path, [program, ...args]);
      // With `on`, a JVM does not start if the archive does not match it.
      expect(await run('-Xshare:on', ...flags, '-version').catch(messageOf)).toBe('');
      const modules = await run('--list-modules');
      expect(modules).toMatch(/^java\.desktop@21/m);
      expect(modules).not.toMatch(/^jdk\.(?:attach|compiler|jdwp\.agent|jlink|jshell)@/m);
    });

    it('has bytecode that Python uses unchanged', async () => {
      await using test = await mounted('python:3.13');
      const result = await runCommand(
        ['chroot', test.path, '/usr/bin/python3.13', '-v', '-B', '-c', 'import json.decoder'],
        { env: { PATH: '/usr/sbin:/usr/bin' } },
      );
      expect(result.stderr).toMatch(/# code object from '\S+json\/__pycache__\/decoder/);
      expect(result.stderr).not.toContain("code object from '/usr/lib/python3.13/json/decoder.py'");
    });

    it.runIf(hasSkopeo)('is read by skopeo', async () => {
      const said = JSON.parse(await mustRun(['skopeo', 'inspect', `oci:${installed}:nodejs:24`]));
      expect(said.Labels).toMatchObject({ 'ward.kind': 'nodejs:24' });
      expect(said.Layers).toHaveLength(images.find(({ name }) => name === 'nodejs:24')?.layers.length ?? 0);
    });
  },
);

/** The image of the installed store, mounted in a folder of the test's own. */
async function mounted(name: string): Promise<AsyncDisposable & { image: Image; path: string }> {
  const folder = await temporaryFolder();
  const store = await openImageStore({ dir: installed, mountsDir: folder.path });
  const image = await store.resolve(name);
  const { path } = await store.mountRoot(image);
  const dispose = async () => {
    await store.close();
    await folder[Symbol.asyncDispose]();
  };
  return { image, path, [Symbol.asyncDispose]: dispose };
}
