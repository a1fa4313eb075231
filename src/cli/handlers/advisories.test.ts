/** `ward advisories update`, `import` and `status`, with sources on this machine. */

import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { mustRun } from '../../lib/index.ts';
import { type Home, launcher, launchWard, makeHome, runWard } from '../cli.fixture.ts';

const advisory = (id: string) => ({
  id,
  modified: '2026-11-01T00:00:00Z',
  summary: 'a hole',
  affected: [
    {
      package: { ecosystem: 'npm', name: 'left' },
      ranges: [{ type: 'SEMVER', events: [{ introduced: '0' }, { fixed: '1.0.1' }] }],
    },
  ],
});
const files = new Map<string, string>();
const server = createServer((request, response) => {
  const text = files.get(request.url ?? '');
  const etag = `"${text?.length}"`;
  if (text === undefined) return response.writeHead(404).end();
  if (request.headers['if-none-match'] === etag) return response.writeHead(304).end();
  return response.writeHead(200, { etag }).end(text);
});
let home: Home;
const ward = (...args: string[]) => runWard(['advisories', ...args], { home });
const update = (...args: string[]) => ward('update', '--sources', 'sources.yaml', ...args);

beforeAll(async () => {
  home = await makeHome();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : 0;
  files.set('/good.json', JSON.stringify(advisory('GHSA-aaaa-bbbb-cccc')));
  files.set('/other.json', JSON.stringify(advisory('GHSA-dddd-eeee-ffff')));
  const entry = (name: string, file: string) =>
    `  - { name: ${name}, form: osv, url: "http://127.0.0.1:${port}/${file}", licence: CC0, maxSize: 1m }\n`;
  const list = entry('osv/good', 'good.json') + entry('osv/other', 'other.json') + entry('gone', 'gone.json');
  await writeFile(join(home.path, 'sources.yaml'), `sources:\n${list}`);
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await home[Symbol.asyncDispose]();
});

test('status without advisories says how to get some', async () => {
  const { code, stderr } = await ward('status');
  expect(code).toBe(5);
  expect(stderr).toMatch(/error\[DATA_DIR_EMPTY\][\s\S]*ward advisories update/);
});

test('update imports every source that it can reach; a failed source gives exit code 1', async () => {
  const { code, stdout, stderr } = await update('-o', 'json');
  expect(code).toBe(1);
  expect(stderr).toMatch(/^ok: 2 advisories/);
  expect(JSON.parse(stdout)).toMatchObject({
    changed: true,
    sources: [
      { source: 'osv/good', outcome: 'updated', records: 1 },
      { source: 'osv/other', outcome: 'updated', records: 1 },
      { source: 'gone', outcome: 'failed', reason: expect.stringContaining('404') },
    ],
  });
});

test('update of some sources does not change the others, and downloads nothing twice', async () => {
  files.set('/good.json', JSON.stringify([advisory('GHSA-aaaa-bbbb-cccc'), advisory('GHSA-aaaa-bbbb-dddd')]));
  const { code, stdout } = await update('--source', 'osv');
  expect(code).toBe(0);
  expect(stdout).toMatch(/osv\/good +updated +2/);
  expect(stdout).toMatch(/osv\/other +unchanged +1/);
  expect(JSON.parse((await ward('status', '-o', 'json')).stdout)).toMatchObject({ state: { count: 3 } });
  expect((await ward('status')).stderr).toMatch(
    /3 advisories, revision [0-9a-f]{16}, the newest of 2026-11-01/,
  );
});

test('an unknown source and an unreachable one have different exit codes', async () => {
  expect(await update('--source', 'osf')).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/error\[FLAG_INVALID\][\s\S]*osv\/good, osv\/other, gone/),
  });
  expect((await update('--source', 'gone')).code).toBe(6);
  expect(JSON.parse((await ward('status', '-o', 'json')).stdout)).toMatchObject({ state: { count: 3 } });
});

test('import reports invalid records, and reads folders', async () => {
  await mkdir(join(home.path, 'exports/npm'), { recursive: true });
  const lines = [advisory('GHSA-aaaa-bbbb-eeee'), { ...advisory('GHSA-aaaa-bbbb-ffff'), affected: 5 }];
  await writeFile(
    join(home.path, 'exports/npm/all.ndjson'),
    lines.map((each) => `${JSON.stringify(each)}\n`).join(''),
  );
  const { code, stdout, stderr } = await ward('import', 'exports');
  expect(code).toBe(0);
  expect(stderr).toMatch(/all\.ndjson: left out an invalid record: line 2/);
  expect(stdout).toMatch(/all\.ndjson +osv +1 +1 +0 +taken in/);
  expect((await ward('import', 'nowhere')).code).toBe(2);
});

const kevPath = 'www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json';

/** A catalogue of `count` records: the list of sources sets a minimum. */
function exploited(count: number): string {
  const vulnerabilities = Array.from({ length: count }, (_, at) => ({
    cveID: `CVE-2024-${10_000 + at}`,
    dateAdded: '2026-01-01',
  }));
  return JSON.stringify({ catalogVersion: '1', count, vulnerabilities });
}

async function putKev(folder: string, content: string): Promise<void> {
  const file = join(folder, kevPath);
  await mkdir(join(file, '..'), { recursive: true });
  await writeFile(file, content);
}

test('the documented commands make, sign and read a mirror', async () => {
  await using place = await makeHome();
  const text = await readFile(new URL('../../../docs/advisories.md', import.meta.url), 'utf8');
  const script = /```sh\n(openssl genpkey[\s\S]*?)```/.exec(text)?.[1] ?? '';
  expect(script).toMatch(/^ward advisories update --from mirror --key mirror\.pub/m);
  await putKev(join(place.path, 'mirror'), exploited(1000));
  const ward = `ward() { ${process.execPath} ${launcher} "$@"; }`;
  const { PATH } = process.env;
  const env = { PATH, HOME: place.path };
  const shell = (lines: string) => mustRun(['bash', '-ec', `${ward}\n${lines}`], { cwd: place.path, env });
  expect(await shell(script)).toMatch(/cisa\/kev +updated +1000/);

  await writeFile(join(place.path, 'mirror/SHA256SUMS'), '\n', { flag: 'a' });
  const flags = ['--from', 'mirror', '--key', 'mirror.pub', '--source', 'cisa/kev'];
  const changed = await runWard(['advisories', 'update', ...flags], { home: place });
  expect(changed).toMatchObject({ code: 2, stderr: expect.stringMatching(/ADVISORIES_UNTRUSTED/) });
});

test('the configuration names the mirror; a shrunken source is imported only with --accept-fewer', async () => {
  await using place = await makeHome();
  await putKev(join(place.path, 'mirror'), exploited(1500));
  await writeFile(join(place.path, 'ward.yaml'), 'advisories: { from: mirror }\n');
  const updateKev = (...rest: string[]) =>
    runWard(['advisories', 'update', '--config', 'ward.yaml', '--source', 'cisa/kev', ...rest], {
      home: place,
    });
  expect((await updateKev()).code).toBe(0);
  await putKev(join(place.path, 'mirror'), exploited(1100));
  const { code, stderr } = await updateKev();
  expect(code).toBe(2);
  expect(stderr).toMatch(/1100 records, but at least 1200 are expected[\s\S]*--accept-fewer/);
  expect((await updateKev('--accept-fewer')).stdout).toMatch(/cisa\/kev +updated +1100/);
  const unnamed = await runWard(['advisories', 'update', '--key', 'k.pub'], { home: place });
  expect(unnamed).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('a key was given, but no mirror'),
  });
});

test('refuses an untrusted certificate, and accepts one from a configured authority', async () => {
  await using place = await makeHome();
  const days = ['-days', '2', '-subj', '/CN=mirror', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const files = ['-keyout', 'key.pem', '-out', 'cert.pem'];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];
  await mustRun(['openssl', 'req', '-x509', '-nodes', ...kind, ...days, ...files], { cwd: place.path });
  const [key, cert] = await Promise.all(
    ['key.pem', 'cert.pem'].map((name) => readFile(join(place.path, name))),
  );
  await using tls = createTlsServer({ key, cert }, (request, response) => {
    if (request.url === `/${kevPath}`) response.end(exploited(1000));
    else response.writeHead(404).end();
  }).listen(0, '127.0.0.1');
  await once(tls, 'listening');
  const from = `https://127.0.0.1:${(tls.address() as AddressInfo).port}`;
  const flags = ['advisories', 'update', '--source', 'cisa/kev', '--from', from];
  const strange = await runWard(flags, { home: place });
  expect(strange).toMatchObject({ code: 6, stderr: expect.stringMatching(/self-signed certificate/) });
  const env = { NODE_EXTRA_CA_CERTS: join(place.path, 'cert.pem') };
  expect(await launchWard(flags, { home: place, env })).toMatchObject({ code: 0, stderr: expect.anything() });
});

test('sources lists the URLs to mirror', async () => {
  const { stdout } = await ward('sources', '-o', 'name');
  expect(stdout.split('\n')).toContain(`https://${kevPath}`);
  expect(stdout).toContain('https://osv-vulnerabilities.storage.googleapis.com/Red%20Hat/all.zip\n');
  expect((await ward('sources', '--sources', 'sources.yaml')).stdout).toMatch(/gone +http:\/\/127/);
});
