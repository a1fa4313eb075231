/** `ward image scan` and `ward advisories` as CI uses them: no server, no root, one data folder of its own. */
import { generateKeyPairSync } from 'node:crypto';
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { tarOf, usualDevices, writeTestImage } from '../src/images/images.fixture.ts';
import { runCommand } from '../src/lib/index.ts';
import { type CommandLoop, startCommandLoop } from './command-loop.ts';

const launcher = fileURLToPath(new URL('../bin/ward.mjs', import.meta.url));
let folder: string;

const dpkgStatus = `Package: libfoo1
Status: install ok installed
Version: 1.0-1
Architecture: amd64
Source: foo

`;
const advisories = [
  {
    id: 'GHSA-aaaa-bbbb-cccc',
    modified: '2026-11-01T00:00:00Z',
    aliases: ['CVE-2026-10001'],
    summary: 'Command injection in left',
    affected: [
      {
        package: { ecosystem: 'npm', name: 'left' },
        ranges: [{ type: 'SEMVER', events: [{ introduced: '0' }, { fixed: '1.0.1' }] }],
      },
    ],
    severity: [{ type: 'CVSS_V3', score: 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H' }],
  },
  {
    id: 'DEBIAN-CVE-2026-10002',
    modified: '2026-11-01T00:00:00Z',
    upstream: ['CVE-2026-10002'],
    summary: 'foo: a medium one that nobody has fixed',
    affected: [
      {
        package: { ecosystem: 'Debian:13', name: 'foo' },
        ranges: [{ type: 'ECOSYSTEM', events: [{ introduced: '0' }] }],
        ecosystem_specific: { urgency: 'medium' },
      },
    ],
  },
];

/** Works for users other than root, and needs nothing from the machine. */
const nobody =
  process.getuid?.() === 0 ? ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--'] : [];
let commands: CommandLoop;

const environment = () => ({
  PATH: process.env['PATH'],
  HOME: folder,
  WARD_DATA: join(folder, 'data'),
  WARD_IMAGES: join(folder, 'images'),
  // A user who can't read root's compile cache compiles Ward each time.
  NODE_COMPILE_CACHE: join(folder, 'compiled'),
});

const ward = (args: readonly string[], given: { input?: string } = {}) =>
  commands.run({ args, cwd: folder, env: environment(), ...given });

/** The same as a process of its own, with a folder for its temporary files. */
const wardAsProcess = (args: readonly string[], TMPDIR: string) =>
  runCommand([...nobody, process.execPath, launcher, ...args], {
    cwd: folder,
    env: { ...environment(), TMPDIR },
    timeoutMs: 60_000,
  });

async function debianRoot(name: string): Promise<string> {
  const root = join(folder, name);
  for (const [path, text] of [
    ['etc/os-release', 'ID=debian\nVERSION_ID="13"\nPRETTY_NAME="Debian 13"\n'],
    ['var/lib/dpkg/status', dpkgStatus],
  ] as const) {
    await mkdir(join(root, path, '..'), { recursive: true });
    await writeFile(join(root, path), text);
  }
  return root;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ward-scan-'));
  await chmod(folder, 0o777);
  commands = startCommandLoop(nobody, environment());
  const base = await tarOf([
    { name: 'etc/os-release', content: 'ID=debian\nVERSION_ID="13"\nPRETTY_NAME="Debian 13"\n' },
    { name: 'var/lib/dpkg/status', content: dpkgStatus },
  ]);
  const vulnerable = await tarOf([
    { name: 'app/node_modules/left/package.json', content: '{"name":"left","version":"1.0.0"}' },
  ]);
  const fixed = await tarOf([
    { name: 'app/node_modules/left/package.json', content: '{"name":"left","version":"1.0.1"}' },
  ]);
  await writeTestImage(join(folder, 'vulnerable'), { tag: 'v1', layers: [base, vulnerable] });
  await writeTestImage(join(folder, 'fixed'), { tag: 'v1', layers: [base, fixed] });
  await writeFile(join(folder, 'osv.ndjson'), advisories.map((each) => `${JSON.stringify(each)}\n`).join(''));
  const imported = await ward(['advisories', 'import', 'osv.ndjson']);
  expect(imported).toMatchObject({ code: 0, stderr: expect.stringContaining('2 advisories') });
});
afterAll(async () => {
  await commands?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

test('advisories: an import reports its content, and a truncated file changes nothing', async () => {
  const whole = JSON.parse((await ward(['advisories', 'status', '-o', 'json'])).stdout);
  expect(whole).toMatchObject({ state: { count: 2 }, sources: [{ records: 2, bad: 0 }] });
  const text = await readFile(join(folder, 'osv.ndjson'), 'utf8');
  await writeFile(join(folder, 'half.json'), text.slice(0, text.length / 3));
  const half = await ward(['advisories', 'import', 'half.json']);
  expect(half).toMatchObject({ code: 2, stderr: expect.stringContaining('error[ADVISORY_FILE_INVALID]') });
  expect(JSON.parse((await ward(['advisories', 'status', '-o', 'json'])).stdout)).toEqual(whole);
});

test('a vulnerable image is refused with the version to upgrade to, and a fixed one is not', async () => {
  const refused = await ward(['image', 'scan', 'oci:vulnerable:v1']);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toBe('');
  expect(refused.stdout).toMatch(/left +1\.0\.0 +1\.0\.1 +critical +CVE-2026-10001 /);
  expect(refused.stdout).toMatch(/\ndenied: .*\n {2}deny {2}.*vulnerabilities\.limits\.critical/);
  const allowed = await ward(['image', 'scan', 'oci:fixed:v1']);
  expect(allowed).toMatchObject({ code: 0, stdout: expect.stringContaining('Debian 13') });
});

test.each([
  ['medium', [], 1],
  ['medium', ['--ignore-unfixed'], 0],
  ['high', [], 0],
])('--fail-on %s %j ends with %d', async (severity, more, code) => {
  expect((await ward(['image', 'scan', 'fixed', '--fail-on', severity, ...more])).code).toBe(code);
});

test('a user’s own policy counts, and the report names what it ignores', async () => {
  await writeFile(
    join(folder, 'policy.yaml'),
    `form: 1
rules:
  ignore:
    - { id: CVE-2026-10001, reason: not reachable, expires: 2999-01-01, by: ada }
`,
  );
  const { code, stdout } = await ward([
    'image',
    'scan',
    'vulnerable',
    '--policy',
    'policy.yaml',
    '-o',
    'wide',
  ]);
  expect(code).toBe(0);
  expect(stdout).toContain('ignored by the policy until 2999-01-01: not reachable (ada)');
});

test('VEX removes findings that do not apply', async () => {
  const vex = {
    '@context': 'https://openvex.dev/ns/v0.2.0',
    '@id': 'https://example.org/vex/1',
    author: 'Ada',
    timestamp: '2026-11-01T00:00:00Z',
    version: 1,
    statements: [
      {
        vulnerability: { name: 'CVE-2026-10001' },
        products: [{ '@id': 'pkg:npm/left' }],
        status: 'not_affected',
        justification: 'vulnerable_code_not_in_execute_path',
      },
    ],
  };
  await writeFile(join(folder, 'vex.json'), JSON.stringify(vex));
  expect((await ward(['image', 'scan', 'vulnerable', '--vex', 'vex.json'])).code).toBe(0);
  await writeFile(join(folder, 'no-vex.json'), '{}');
  expect((await ward(['image', 'scan', 'vulnerable', '--vex', 'no-vex.json'])).code).toBe(2);
});

test('a folder and the SBOM of its scan have the same findings', async () => {
  const root = join(folder, 'root');
  await mkdir(join(root, 'node_modules/left'), { recursive: true });
  await writeFile(join(root, 'node_modules/left/package.json'), '{"name":"left","version":"1.0.0"}');
  const ids = await ward(['image', 'scan', 'root', '-o', 'name']);
  expect(ids).toMatchObject({ code: 1, stdout: 'CVE-2026-10001\n' });
  for (const format of ['cyclonedx', 'spdx']) {
    const file = `sbom.${format}.json`;
    const written = await ward(['image', 'scan', 'vulnerable', '--format', format, '--output', file]);
    expect(written).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining(`wrote ${file}`) });
    const again = await ward(['image', 'scan', file, '-o', 'json']);
    expect(JSON.parse(again.stdout)).toMatchObject({
      target: { kind: 'sbom' },
      findings: expect.arrayContaining([
        expect.objectContaining({ id: 'CVE-2026-10001', severity: 'critical' }),
      ]),
    });
  }
});

test('a root file system is read with the packages of its distribution', async () => {
  await debianRoot('rootfs');
  const found = await ward(['image', 'scan', 'rootfs:rootfs', '--fail-on', 'medium', '-o', 'name']);
  expect(found).toMatchObject({ code: 1, stdout: 'CVE-2026-10002\n' });
});

test('a root file system is clean with the devices that debootstrap makes, as a folder and as a layer', async (context) => {
  if (process.getuid?.() !== 0) return context.skip('only root can make devices');
  const root = await debianRoot('debian');
  await mkdir(join(root, 'dev'));
  for (const { name, devmajor, devminor } of usualDevices) {
    const made = await runCommand([
      'mknod',
      '-m',
      '666',
      join(root, name),
      'c',
      `${devmajor}`,
      `${devminor}`,
    ]);
    expect(made).toMatchObject({ code: 0 });
  }
  const packed = await runCommand(['tar', '-C', root, '-cf', join(folder, 'debian.tar'), '.']);
  expect(packed.code).toBe(0);
  await writeTestImage(join(folder, 'debian-image'), {
    tag: 'v1',
    layers: [await readFile(join(folder, 'debian.tar'))],
  });
  for (const target of ['rootfs:debian', 'oci:debian-image']) {
    const { code, stdout } = await ward(['image', 'scan', target, '-o', 'json']);
    expect([code, JSON.parse(stdout).inventory.gaps]).toEqual([0, []]);
  }
});

test('a secret is refused, unless secrets are left out', async () => {
  const key = `-----BEGIN PRIVATE KEY-----\n${generateKeyPairSync('ed25519')
    .privateKey.export({ format: 'der', type: 'pkcs8' })
    .toString('base64')}\n-----END PRIVATE KEY-----\n`;
  await mkdir(join(folder, 'leaky'), { recursive: true });
  await writeFile(join(folder, 'leaky/id.pem'), key);
  const leaky = await ward(['image', 'scan', 'leaky']);
  expect(leaky).toMatchObject({ code: 1, stdout: expect.stringMatching(/secrets \(1\)[\s\S]*id\.pem/) });
  expect(leaky.stdout).not.toContain(key.split('\n')[1]);
  expect((await ward(['image', 'scan', 'leaky', '--no-secrets'])).code).toBe(0);
});

test('an archive is read as the layout in it', async () => {
  const packed = await runCommand(['tar', '-C', 'vulnerable', '-cf', 'image.tar', '.'], { cwd: folder });
  expect(packed.code).toBe(0);
  expect(await ward(['image', 'scan', 'image.tar', '-o', 'name'])).toMatchObject({
    code: 1,
    stdout: expect.stringContaining('CVE-2026-10001\n'),
  });
});

test.each(['gzip', 'zstd'])('an archive can be compressed by %s, and leaves nothing behind', async (by) => {
  const temporary = join(folder, `tmp-${by}`);
  await mkdir(temporary);
  await chmod(temporary, 0o777);
  const packed = await runCommand(['tar', '-C', 'vulnerable', `--${by}`, '-cf', `image.tar.${by}`, '.'], {
    cwd: folder,
  });
  expect(packed.code).toBe(0);
  expect(await wardAsProcess(['image', 'scan', `image.tar.${by}`, '-o', 'name'], temporary)).toMatchObject({
    code: 1,
    stdout: expect.stringContaining('CVE-2026-10001\n'),
  });
  expect(await readdir(temporary)).toEqual([]);
});

test('an image or an SBOM can come from a pipe, and leaves nothing behind', async () => {
  const temporary = join(folder, 'tmp-pipe');
  await mkdir(temporary);
  await chmod(temporary, 0o777);
  const packed = 'set -e; tar -C vulnerable -czf - . | "$0" "$1" image scan - -o json';
  const scan = await runCommand(['sh', '-c', packed, process.execPath, launcher], {
    cwd: folder,
    env: { PATH: process.env['PATH'], HOME: folder, WARD_DATA: join(folder, 'data'), TMPDIR: temporary },
    timeoutMs: 60_000,
  });
  expect(scan.code).toBe(1);
  expect(JSON.parse(scan.stdout)).toMatchObject({
    target: { name: 'standard input', kind: 'image' },
    findings: expect.arrayContaining([expect.objectContaining({ id: 'CVE-2026-10001' })]),
  });
  expect(await readdir(temporary)).toEqual([]);
  expect(await ward(['image', 'scan', '-'], { input: 'hello' })).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/SCAN_TARGET_INVALID.*standard input is neither an image/),
  });
  expect(await ward(['image', 'scan', '-'], { input: '' })).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('standard input had no content'),
  });
});

test('an archive whose compression is damaged is refused', async () => {
  await writeFile(join(folder, 'damaged.tar.gz'), gzipSync(Buffer.alloc(9000, 'x')).subarray(0, -9));
  expect(await ward(['image', 'scan', 'damaged.tar.gz'])).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/damaged\.tar\.gz can't be decompressed: /),
  });
});

test('every format goes to a file, the verdict to stderr', async () => {
  for (const [format, begins] of [
    ['table', 'image '],
    ['json', '{\n  "form": 1'],
    ['sarif', '{\n  "$schema"'],
    ['junit', '<?xml'],
    ['gitlab', '{\n  "version": "15.'],
    ['cyclonedx', '{\n  "$schema"'],
    ['spdx', '{\n  "spdxVersion": "SPDX-2.3"'],
  ] as const) {
    const file = `out/report.${format}`;
    await mkdir(join(folder, 'out'), { recursive: true });
    await chmod(join(folder, 'out'), 0o777);
    const done = await ward(['image', 'scan', 'vulnerable', '--format', format, '-o', file]);
    expect(done.code).toBe(1);
    expect(done.stderr).toMatch(/^ok: wrote .*\ndenied: /);
    expect((await readFile(join(folder, file), 'utf8')).slice(0, begins.length)).toBe(begins);
  }
});

test('--reports writes all formats from one scan, and removes the reports of the scan before', async () => {
  const reports = join(folder, 'all');
  const scan = (target: string) => ward(['image', 'scan', target, '--reports', 'all']);
  const first = await scan('vulnerable');
  expect(first).toMatchObject({ code: 1, stdout: expect.stringContaining('\ndenied: ') });
  expect((await readdir(reports)).toSorted()).toEqual([
    'gl-container-scanning-report.json',
    'junit.xml',
    'report.json',
    'report.sarif',
    'sbom.cdx.json',
    'sbom.spdx.json',
  ]);
  expect(JSON.parse(await readFile(join(reports, 'report.json'), 'utf8'))).toMatchObject({
    verdict: { outcome: 'deny' },
  });
  await writeFile(join(reports, 'other.txt'), 'not a report');
  expect((await scan('nowhere:1')).code).toBe(2);
  expect(await readdir(reports)).toEqual(['other.txt']);
});

test('an unwritable folder for reports is an error', async () => {
  await writeFile(join(folder, 'taken'), '');
  expect(await ward(['image', 'scan', 'fixed', '--reports', 'taken'])).toMatchObject({
    code: 2,
    stdout: '',
    stderr: expect.stringContaining('error[FILE_NOT_WRITTEN]: taken could not be written'),
  });
});

test('a file without a format gets that of its name', async () => {
  for (const [file, begins] of [
    ['named.json', '{\n  "form": 1'],
    ['named.sarif', '{\n  "$schema"'],
    ['named.xml', '<?xml'],
    ['named.txt', 'image '],
  ] as const) {
    expect((await ward(['image', 'scan', 'vulnerable', '--output', file])).code).toBe(1);
    expect((await readFile(join(folder, file), 'utf8')).slice(0, begins.length)).toBe(begins);
  }
});

test('--explain shows the source of a finding, and the matched name', async () => {
  const { stdout, code } = await ward(['image', 'scan', 'vulnerable', '--explain', 'GHSA-aaaa-bbbb-cccc']);
  expect(code).toBe(1);
  expect(stdout).toMatch(/^id +CVE-2026-10001$/m);
  expect(stdout).toMatch(/^found in +app\/node_modules\/left\/package\.json$/m);
  expect(stdout).toMatch(/^to do +update left to 1\.0\.1$/m);
});

test('unreadable content is not judged, with advice; together with a denied finding it is denied', async () => {
  const zip = 'PK\u0003\u0004 and then nothing that is a zip';
  await mkdir(join(folder, 'unread/node_modules/left'), { recursive: true });
  await writeFile(join(folder, 'unread/a.zip'), zip);
  const unread = await ward(['image', 'scan', './unread', '--reports', 'unread-reports']);
  expect(unread).toMatchObject({
    code: 2,
    stdout: expect.stringMatching(
      /\nnot judged: nothing found\n {2}deny {2}could not be read: a\.zip: .+ \(gaps\)\n {8}leave it out, make it readable, or ignore it in the policy \(id: gap, with its path\)\n/,
    ),
  });
  const read = (name: string) => readFile(join(folder, 'unread-reports', name), 'utf8');
  expect(JSON.parse(await read('report.json')).verdict).toMatchObject({ outcome: 'deny', isJudged: false });
  expect(await read('junit.xml')).toMatch(
    /<testcase [^>]*name="verdict"[^>]*>\s*<error message="not judged"/,
  );
  expect(JSON.parse(await read('gl-container-scanning-report.json')).scan.status).toBe('failure');
  const manifest = join(folder, 'unread/node_modules/left/package.json');
  await writeFile(manifest, '{"name":"left","version":"1.0.0"}');
  expect(await ward(['image', 'scan', './unread'])).toMatchObject({
    code: 1,
    stdout: expect.stringMatching(
      /\ndenied: 1 vulnerability .*\n[\s\S]* {2}deny {2}could not be read: a\.zip: /,
    ),
  });
});

test('--new-only judges what a change adds, by a base or by its report', async () => {
  const scan = (target: string, ...more: string[]) =>
    ward(['image', 'scan', target, '--no-misconfiguration', ...more]);
  const bring = (...more: string[]) => scan('oci:vulnerable', '--new-only', ...more);
  const brought = await bring('--base', 'oci:fixed', '--fail-on', 'medium');
  expect(brought).toMatchObject({ code: 1, stdout: expect.stringMatching(/left +1\.0\.0.*CVE-2026-10001/) });
  expect(brought.stdout).not.toContain('CVE-2026-10002');
  expect(brought.stdout).toContain('1 finding was in oci:fixed before: 1 vulnerability (1 medium)');
  expect((await bring('--base', 'oci:fixed', '-o', 'name')).stdout).toBe('CVE-2026-10001\n');
  const nothing = await bring('--base', 'oci:vulnerable', '-o', 'json');
  expect(nothing).toMatchObject({
    code: 0,
    stderr: expect.stringMatching(
      /^allowed.*: nothing found\n(?:.*\n)?2 findings were in oci:vulnerable before/,
    ),
  });
  // The report is complete, so the next scan can be compared with it.
  await writeFile(join(folder, 'earlier.json'), nothing.stdout);
  expect(JSON.parse(nothing.stdout)).toMatchObject({
    verdict: { breaking: [], before: { findings: [0, 1] } },
  });
  expect((await bring('--base-report', 'earlier.json')).code).toBe(0);
  const earlier = JSON.parse(nothing.stdout);
  await writeFile(
    join(folder, 'older.json'),
    JSON.stringify({ ...earlier, rules: { ...earlier.rules, read: 'of another Ward' } }),
  );
  const older = await bring('--base-report', 'older.json');
  expect(older.stdout).toContain(
    '\nolder.json was scanned with other rules: what only the current ones find counts as new\n',
  );
  expect(nothing.stderr).not.toContain('other rules');
  const other = await scan('oci:fixed', '-o', 'json');
  await writeFile(join(folder, 'earlier.json'), other.stdout);
  expect((await bring('--base-report', 'earlier.json')).code).toBe(1);
});

test('advisories published since an earlier report do not count as added', async () => {
  const scan = (...more: string[]) =>
    ward(['image', 'scan', 'oci:vulnerable', '--no-misconfiguration', ...more]);
  const then = await scan('--advisories', 'none.db', '-o', 'json');
  expect(JSON.parse(then.stdout).findings).toEqual([]);
  await writeFile(join(folder, 'then.json'), then.stdout);
  expect(await scan('--new-only', '--base-report', 'then.json')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('2 findings were in then.json before'),
  });
});

test('unreadable content counts, even if it was unreadable before', async () => {
  await mkdir(join(folder, 'odd'), { recursive: true });
  await writeFile(join(folder, 'odd/a.zip'), 'PK\u0003\u0004 and then nothing that is a zip');
  const scan = await ward(['image', 'scan', './odd', '--new-only', '--base', './odd']);
  expect(scan).toMatchObject({
    code: 2,
    stdout: expect.stringContaining('1 part of ./odd could not be read'),
  });
});

test.each([
  ['a base that does not exist', ['--base', 'oci:nowhere'], 'SCAN_TARGET_INVALID'],
  ['a base that is empty', ['--base', './void'], 'SCAN_TARGET_INVALID'],
  ['a base whose layer is damaged', ['--base', 'oci:cut'], 'LAYER_MISMATCH'],
  ['a report that does not exist', ['--base-report', 'no.json'], 'SOURCE_UNREADABLE'],
  ['an invalid report', ['--base-report', 'osv.ndjson'], 'REPORT_INVALID'],
  ['a truncated report', ['--base-report', 'cut.json'], 'REPORT_INVALID'],
  ['both', ['--base', 'oci:fixed', '--base-report', 'cut.json'], 'USAGE'],
  ['neither', [], 'USAGE'],
])('--new-only with %s is an error, never a comparison with nothing', async (_, args, code) => {
  await mkdir(join(folder, 'void'), { recursive: true });
  await cp(join(folder, 'fixed'), join(folder, 'cut'), { recursive: true });
  const index = JSON.parse(await readFile(join(folder, 'cut/index.json'), 'utf8'));
  const blob = (digest: string) => join(folder, 'cut/blobs', digest.replace(':', '/'));
  const { layers } = JSON.parse(await readFile(blob(index.manifests[0].digest), 'utf8'));
  await writeFile(blob(layers[1].digest), await tarOf([{ name: 'else', content: '' }]));
  await writeFile(join(folder, 'cut.json'), '{ "form": 1, "findings": [');
  // Without the results of earlier tests on these layers.
  const advisories = ['--advisories', join(folder, 'data/advisories/advisories.db'), '--data', 'none'];
  expect(await ward(['image', 'scan', 'oci:fixed', '--new-only', ...args, ...advisories])).toMatchObject({
    code: 2,
    stdout: '',
    stderr: expect.stringContaining(`error[${code}]`),
  });
});

test('--base without --new-only is an error, because it would seem to count', async () => {
  expect(await ward(['image', 'scan', 'oci:fixed', '--base', 'oci:fixed'])).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/--base is for --new-only[\s\S]*add --new-only/),
  });
});

test.each([
  ['a name that does not exist', ['none:1'], 'IMAGE_NOT_FOUND'],
  ['a file of another kind', ['osv.txt'], 'SCAN_TARGET_INVALID'],
  ['an image that is in the registry', ['guest/app:v1'], 'SCAN_TARGET_INVALID'],
  ['a root that does not exist', ['rootfs:/nonexistent'], 'SCAN_TARGET_INVALID'],
  ['a root that is a file', ['rootfs:osv.txt'], 'SCAN_TARGET_INVALID'],
  ['a root that is empty', ['rootfs:nothing'], 'SCAN_TARGET_INVALID'],
  ['a folder that is empty', ['./nothing'], 'SCAN_TARGET_INVALID'],
  ['an archive that does not exist', ['archive:/nonexistent'], 'SCAN_TARGET_INVALID'],
  ['an invalid policy', ['fixed', '--policy', 'osv.ndjson'], 'POLICY_INVALID'],
  ['a platform that the image is not for', ['fixed', '--platform', 'windows'], 'FLAG_INVALID'],
  ['an unknown format', ['fixed', '-o', 'sarfi'], 'USAGE'],
  ['two formats', ['fixed', '-o', 'json', '--format', 'sarif'], 'USAGE'],
  ['an unwritable folder', ['fixed', '--format', 'sarif', '-o', 'no/where.json'], 'FILE_NOT_WRITTEN'],
])('%s is an error, which ends with 2', async (_, args, code) => {
  await writeFile(join(folder, 'osv.txt'), 'hello');
  await mkdir(join(folder, 'nothing'), { recursive: true });
  expect(await ward(['image', 'scan', ...args])).toMatchObject({
    code: 2,
    stdout: '',
    stderr: expect.stringContaining(`error[${code}]`),
  });
});

test('a layer that was changed under its digest is an error, never clean', async () => {
  await cp(join(folder, 'fixed'), join(folder, 'broken'), { recursive: true });
  const index = JSON.parse(await readFile(join(folder, 'broken/index.json'), 'utf8'));
  const blob = (digest: string) => join(folder, 'broken/blobs', digest.replace(':', '/'));
  const manifest = JSON.parse(await readFile(blob(index.manifests[0].digest), 'utf8'));
  await writeFile(blob(manifest.layers[1].digest), await tarOf([]));
  // With an earlier scan's results for the layer, and without.
  expect(await ward(['image', 'scan', 'broken'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('error[SCAN_TARGET_INVALID]'),
  });
  const advisories = join(folder, 'data/advisories/advisories.db');
  expect(await ward(['image', 'scan', 'broken', '--data', 'none', '--advisories', advisories])).toMatchObject(
    {
      code: 2,
      stderr: expect.stringContaining('error[LAYER_MISMATCH]'),
    },
  );
});

test('without advisories the result is not judged, whatever the policy, except for `missing: allow`', async () => {
  const scan = (...more: string[]) => ward(['image', 'scan', 'fixed', '--advisories', 'none.db', ...more]);
  expect(await scan()).toMatchObject({
    code: 2,
    stdout: expect.stringMatching(
      /\nnot judged: .*\n {2}deny {2}there are no advisories.*advisories\.missing/,
    ),
  });
  await writeFile(join(folder, 'lax.yaml'), 'form: 1\nrules: { vulnerabilities: { action: allow } }');
  expect(await scan('--policy', 'lax.yaml', '--format', 'sarif', '-o', './lax.sarif')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('\nnot judged: '),
  });
  expect(JSON.parse(await readFile(join(folder, 'lax.sarif'), 'utf8'))).toMatchObject({
    runs: [{ invocations: [{ executionSuccessful: false }] }],
  });
  await writeFile(join(folder, 'allow.yaml'), 'form: 1\nrules: { advisories: { missing: allow } }');
  expect(await scan('--policy', 'allow.yaml')).toMatchObject({ code: 0 });
});
