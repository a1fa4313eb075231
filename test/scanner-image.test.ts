/** A scan in CI: `scripts/scan-ci.sh` alone, and in the container that `scripts/scanner-image.ts` makes. */
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { mustRun, runCommand } from '../src/lib/index.ts';
import { root } from './docs/markdown.ts';

const script = join(root, 'scripts/scan-ci.sh');
const reportNames = [
  'gl-container-scanning-report.json',
  'junit.xml',
  'report.json',
  'report.sarif',
  'sbom.cdx.json',
  'sbom.spdx.json',
];
const advisory = {
  id: 'GHSA-aaaa-bbbb-cccc',
  modified: new Date().toISOString(),
  aliases: ['CVE-2026-10001'],
  affected: [
    {
      package: { ecosystem: 'npm', name: 'left' },
      ranges: [{ type: 'SEMVER', events: [{ introduced: '0' }, { fixed: '1.0.1' }] }],
    },
  ],
  severity: [{ type: 'CVSS_V3', score: 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H' }],
};

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ward-scan-ci-'));
  await chmod(folder, 0o755);
  await writeFile(join(folder, 'osv.json'), JSON.stringify(advisory));
  for (const [name, version] of [
    ['vulnerable', '1.0.0'],
    ['fixed', '1.0.1'],
  ] as const) {
    await mkdir(join(folder, name, 'node_modules/left'), { recursive: true });
    const text = JSON.stringify({ name: 'left', version });
    await writeFile(join(folder, name, 'node_modules/left/package.json'), text);
  }
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function scanCi(
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
  { shell = ['sh'], input = '' }: { readonly shell?: readonly string[]; readonly input?: string } = {},
) {
  return await runCommand([...shell, script, ...args], {
    cwd: folder,
    env: { PATH: process.env['PATH'], HOME: folder, ...env },
    input,
    timeoutMs: 120_000,
  });
}

const reportsIn = async (name: string) =>
  (await readdir(join(folder, name))).filter((each) => each !== '.ward').toSorted();

test('needs nothing but a folder for reports, and ends as the scan does', async () => {
  const imported = { WARD_ADVISORIES: 'osv.json' };
  expect(await scanCi(['reports', 'vulnerable'], imported)).toMatchObject({
    code: 1,
    stdout: expect.stringContaining('\ndenied: 1 vulnerability (1 critical)'),
  });
  expect(await reportsIn('reports')).toEqual(reportNames);
  const sbom = await readFile(join(folder, 'reports/sbom.cdx.json'), 'utf8');
  const kept = { WARD_ADVISORIES: 'kept' };
  expect(await scanCi(['reports', '-'], kept, { input: sbom })).toMatchObject({ code: 1 });
  expect(await scanCi(['reports', 'fixed'], kept)).toMatchObject({ code: 0 });
  const more = ['--new-only', '--base-report', 'earlier.json'];
  await writeFile(join(folder, 'earlier.json'), await readFile(join(folder, 'reports/report.json')));
  expect(await scanCi(['reports', 'vulnerable', ...more], kept)).toMatchObject({ code: 1 });
});

test('another POSIX shell does the same', async (context) => {
  const busybox = await runCommand(['busybox', 'true']).catch(() => undefined);
  if (busybox?.code !== 0) return context.skip('busybox is not installed (apt-get install busybox-static)');
  const done = await scanCi(
    ['other', 'vulnerable'],
    { WARD_ADVISORIES: 'osv.json' },
    { shell: ['busybox', 'sh'] },
  );
  expect(done).toMatchObject({ code: 1 });
  expect(await reportsIn('other')).toEqual(reportNames);
});

test('without advisories it ends with 2, and the reports say why', async () => {
  expect((await scanCi(['none', 'fixed'], { WARD_ADVISORIES: 'kept' })).code).toBe(2);
  expect(await readFile(join(folder, 'none/junit.xml'), 'utf8')).toContain('message="not judged"');
});

test.each([
  ['no target', ['bare'], {}, /error\[SCAN_CI\][\s\S]*usage: scan-ci\.sh REPORTS TARGET/],
  ['a file in place of the folder', ['osv.json', 'fixed'], {}, /osv\.json can't be written to[\s\S]*--user/],
  [
    'invalid advisories',
    ['stale', 'fixed'],
    { WARD_ADVISORIES: 'no.json' },
    /no\.json could not be imported/,
  ],
  ['a target that does not exist', ['stale', 'nowhere:1'], { WARD_ADVISORIES: 'osv.json' }, /error\[/],
])('%s: ends with 2, says so, and leaves no earlier report', async (_, args, env, told) => {
  await mkdir(join(folder, 'stale'), { recursive: true });
  await writeFile(join(folder, 'stale/report.json'), '{}');
  expect(await scanCi(args, env)).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(told) });
  if (args[0] === 'stale') expect(await reportsIn('stale')).toEqual([]);
});

const documents = {
  index: z.object({ manifests: z.tuple([z.object({ digest: z.string() })]) }),
  manifest: z.object({
    config: z.object({ digest: z.string() }),
    layers: z.array(z.object({ digest: z.string() })),
  }),
  config: z.object({
    config: z.object({
      Entrypoint: z.array(z.string()),
      Env: z.array(z.string()),
      WorkingDir: z.string(),
      User: z.literal('1000:1000'),
    }),
  }),
};

/** The image as a bundle for an OCI runtime: root file system and configuration. */
async function unpack(archive: string) {
  const layout = join(folder, 'layout');
  const rootfs = join(folder, 'bundle/rootfs');
  for (const dir of [layout, rootfs]) await mkdir(dir, { recursive: true });
  await mustRun(['tar', '-C', layout, '-xf', archive]);
  const read = async (name: string) => JSON.parse(await readFile(join(layout, name), 'utf8'));
  const blob = (digest: string) => `blobs/${digest.replace(':', '/')}`;
  const { manifests } = documents.index.parse(await read('index.json'));
  const manifest = documents.manifest.parse(await read(blob(manifests[0].digest)));
  for (const { digest } of manifest.layers)
    await mustRun(['tar', '--zstd', '-C', rootfs, '-xf', join(layout, blob(digest))]);
  return documents.config.parse(await read(blob(manifest.config.digest))).config;
}

/** Runs it as `docker run --read-only --tmpfs /tmp --cap-drop all --network none --volume … IMAGE ARGS` would. */
async function runContained(
  image: z.infer<typeof documents.config>['config'],
  args: readonly string[],
  { env = [], uid = 1000 }: { readonly env?: readonly string[]; readonly uid?: number } = {},
) {
  const bundle = join(folder, 'bundle');
  const bind = (name: string, options: string) => ({
    destination: `/${name}`,
    type: 'bind',
    source: join(folder, 'mounted', name),
    options: ['rbind', 'nosuid', 'nodev', options],
  });
  const spec = {
    ociVersion: '1.0.2',
    root: { path: 'rootfs', readonly: true },
    process: {
      user: { uid, gid: uid },
      args: [...image.Entrypoint, ...args],
      env: [...image.Env, ...env],
      cwd: image.WorkingDir,
      capabilities: {},
      noNewPrivileges: true,
    },
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755'] },
      { destination: '/tmp', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'nodev', 'mode=1777'] },
      bind('work', 'ro'),
      bind('reports', 'rw'),
    ],
    linux: {
      namespaces: ['pid', 'network', 'ipc', 'uts', 'mount'].map((type) => ({ type })),
    },
  };
  await writeFile(join(bundle, 'config.json'), JSON.stringify(spec));
  const name = `ward-scan-ci-${process.pid}`;
  return await runCommand(['runc', '--root', join(folder, 'runc'), 'run', '--bundle', bundle, name], {
    timeoutMs: 120_000,
  });
}

test('in a container of Ward’s own base, without a network, rights or a writable file', {
  timeout: 300_000,
}, async (context) => {
  const runc = await runCommand(['runc', '--version']).catch(() => undefined);
  if (process.getuid?.() !== 0 || runc?.code !== 0)
    return context.skip('only root can start a container here, and runc has to be installed');
  const archive = join(folder, 'ward-scanner.tar');
  const data = join(folder, 'data');
  const launcher = join(root, 'bin/ward.mjs');
  await mustRun([process.execPath, launcher, 'advisories', 'import', 'osv.json', '--data', data], {
    cwd: folder,
  });
  const made = await runCommand(
    [
      process.execPath,
      join(root, 'scripts/scanner-image.ts'),
      archive,
      join(data, 'advisories/advisories.db'),
    ],
    { timeoutMs: 240_000 },
  );
  expect(made, made.stderr).toMatchObject({ code: 0 });
  const image = await unpack(archive);
  await mkdir(join(folder, 'mounted/work'), { recursive: true });
  const given = ['vulnerable', 'fixed', 'osv.json'].map((name) => join(folder, name));
  await mustRun(['cp', '-r', ...given, join(folder, 'mounted/work')]);
  await mkdir(join(folder, 'mounted/reports'));
  await chmod(join(folder, 'mounted/reports'), 0o777);

  const baked = await runContained(image, ['/reports', '/work/vulnerable']);
  expect(baked).toMatchObject({ code: 1, stdout: expect.stringContaining('\ndenied: 1 vulnerability') });
  expect(await reportsIn('mounted/reports')).toEqual(reportNames);
  const stranger = { uid: 4321 };
  expect((await runContained(image, ['/reports', '/work/fixed'], stranger)).code).toBe(0);
  const kept = await runContained(image, ['/reports', '/work/fixed'], { env: ['WARD_ADVISORIES=kept'] });
  expect(kept).toMatchObject({ code: 2, stdout: expect.stringContaining('\nnot judged: ') });
  const mounted = { env: ['WARD_ADVISORIES=/work/osv.json'] };
  expect((await runContained(image, ['/reports', '/work/vulnerable'], mounted)).code).toBe(1);
  expect((await runContained(image, ['/work', '/work/fixed'])).code).toBe(2);

  const skopeo = await runCommand(['skopeo', 'inspect', '--config', `oci-archive:${archive}`]).catch(
    () => undefined,
  );
  if (skopeo !== undefined)
    expect(JSON.parse(skopeo.stdout)).toMatchObject({ config: { Entrypoint: image.Entrypoint } });
  // This test has no advisories for Debian.
  await writeFile(join(folder, 'policy.yaml'), 'form: 1\nrules: { advisories: { missing: allow } }');
  const itself = await runCommand(
    [process.execPath, launcher, 'image', 'scan', archive, '--data', data, '--policy', 'policy.yaml'],
    { cwd: folder, timeoutMs: 120_000 },
  );
  expect(itself, itself.stdout).toMatchObject({ code: 0 });
});
