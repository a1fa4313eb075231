/** `ward image list`, `report`, `delete` against a stand-in for the server. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { digestOf } from '../../blobs/index.ts';
import { asked, makeHome, startBench } from '../cli.fixture.ts';

const bench = await startBench();
const { api, ward } = bench;
const digest = digestOf(Buffer.from('manifest'));
const reports = `/ward/v1/reports/${encodeURIComponent(digest)}`;
const verdict = (stage: string, outcome: string, judgedAt: string) => ({
  stage,
  outcome,
  judgedAt,
  namespace: 'guest',
  reasons:
    outcome === 'deny'
      ? [
          {
            rule: 'vulnerabilities.limits.high',
            outcome,
            text: '1 high vulnerability',
            findings: ['CVE-2026-10001'],
          },
        ]
      : [],
});
const report = {
  form: 1,
  target: { name: 'guest/app', kind: 'image', digest },
  scannedAt: '2026-11-24T10:00:00.000Z',
  inventory: { components: [], layers: [], gaps: [] },
  findings: [
    {
      class: 'vulnerability',
      id: 'CVE-2026-10001',
      aliases: [],
      title: 'Injection',
      severity: 'high',
      severitySource: 'ghsa',
      component: { ecosystem: 'npm', name: 'left', version: '1.0.0', purl: 'pkg:npm/left@1.0.0' },
      fixedIn: ['1.0.1'],
      status: 'affected',
      knownExploited: false,
      places: [{ path: 'app/package.json' }],
    },
  ],
  suppressed: [],
};

afterAll(() => bench[Symbol.asyncDispose]());
beforeEach(() => {
  api.requests.length = 0;
  api.answers.clear();
  const manifest = { headers: { 'docker-content-digest': digest }, body: { schemaVersion: 2 } };
  api.answers.set('GET /v2/guest/app/manifests/v1', manifest);
  api.answers.set('GET /v2/guest/app/manifests/v2', manifest);
  api.answers.set(`GET ${reports}/report`, { body: report });
  api.answers.set(`GET ${reports}/verdict`, {
    body: [verdict('push', 'allow', '2026-11-24T10:00:00Z'), verdict('run', 'deny', '2026-11-25T10:00:00Z')],
  });
});

test('list shows each tag with its digest, signature and verdicts, page by page', async () => {
  api.answers.set('GET /v2/_catalog', { body: { repositories: ['guest/app'] } });
  api.answers.set('GET /v2/guest/app/tags/list', ({ url }) =>
    url.includes('last=')
      ? { body: { tags: ['v2'] } }
      : {
          headers: { link: '</v2/guest/app/tags/list?n=2&last=v1>; rel="next"' },
          body: { tags: [`${digest.replace(':', '-')}.sig`, 'v1'] },
        },
  );
  const { code, stdout } = await ward(['image', 'list']);
  expect(code).toBe(0);
  expect(stdout.split('\n').map((line) => line.trim().split(/ {2,}/))).toEqual([
    ['IMAGE', 'DIGEST', 'SIGNED', 'PUSH', 'DEPLOY', 'RUN'],
    ['guest/app:v1', digest, 'yes', 'allow', 'deny'],
    ['guest/app:v2', digest, 'yes', 'allow', 'deny'],
    [''],
  ]);
  expect(asked(api)[2]).toMatch(/tags\/list\?n=100&last=v1$/);
  expect((await ward(['image', 'list', '--limit', '1', '-o', 'name'])).stdout).toBe('guest/app:v1\n');
});

test('report looks like a scan, with the latest verdict', async () => {
  const { code, stdout } = await ward(['image', 'report', 'guest/app:v1']);
  expect(code).toBe(0);
  expect(stdout).toMatch(/left +1\.0\.0 +1\.0\.1 +high +CVE-2026-10001/);
  expect(stdout).toContain('denied: 1 vulnerability (1 high)\n  deny  1 high vulnerability');
  const data = JSON.parse((await ward(['image', 'report', digest, '-o', 'json'])).stdout);
  expect(data).toMatchObject({ form: 1, verdicts: [{ stage: 'push' }, { stage: 'run' }] });
});

test('report shows who signed the image, and its attestations', async () => {
  const vouchers = {
    signedBy: ['release\u001b[31m'],
    attested: ['spdx by ci (https://github.com/acme/app)'],
  };
  api.answers.set(`GET ${reports}/verdict`, {
    body: [{ ...verdict('run', 'allow', '2026-11-25T10:00:00Z'), vouchers }],
  });
  const { stdout } = await ward(['image', 'report', 'guest/app:v1']);
  expect(stdout).toMatch(/\n {2}signed by release.*\n {2}attested: spdx by ci \(https:.*\)\n$/);
  expect(stdout).not.toContain('release\u001b');
});

test('report of a refused image is found by digest, since the registry did not keep it', async () => {
  const { code, stdout } = await ward(['image', 'report', `guest/refused@${digest}`]);
  expect([code, stdout]).toEqual([0, expect.stringContaining('CVE-2026-10001')]);
  expect(asked(api)).not.toContainEqual(expect.stringContaining('/v2/'));
});

test.each([
  ['SARIF', ['--format', 'sarif', '-o', 'FOLDER/it'], '"executionSuccessful": true'],
  [
    'JUnit by the name of the file',
    ['-o', 'FOLDER/it.xml'],
    '<testcase classname="guest/app.vulnerabilities"',
  ],
  ['GitLab’s', ['--format', 'gitlab', '-o', 'FOLDER/it'], '"type": "container_scanning"'],
  ['CycloneDX', ['--format', 'cyclonedx', '-o', 'FOLDER/it'], '"bomFormat": "CycloneDX"'],
  ['the table', ['-o', 'FOLDER/it'], 'CVE-2026-10001'],
])(
  'report of a refused image is written as %s, and shows a denial without failing',
  async (_what, args, has) => {
    await using folder = await makeHome();
    const words = args.map((arg) => arg.replace('FOLDER', folder.path));
    const { code, stdout, stderr } = await ward(['image', 'report', `guest/refused@${digest}`, ...words]);
    expect([code, stdout]).toEqual([0, '']);
    expect(stderr).toContain(
      'denied: 1 vulnerability (1 high)\n  deny  1 high vulnerability (vulnerabilities',
    );
    const [name = ''] = await readdir(folder.path);
    expect(await readFile(join(folder.path, name), 'utf8')).toContain(has);
  },
);

test('report is printed in the formats of image scan, with the policy’s violations', async () => {
  const sarif = await ward(['image', 'report', 'guest/app:v1', '--format', 'sarif']);
  expect(JSON.parse(sarif.stdout)).toMatchObject({
    runs: [{ results: [{ ruleId: 'CVE-2026-10001', level: 'error' }], properties: { outcome: 'deny' } }],
  });
  const junit = await ward(['image', 'report', 'guest/app:v1', '--format', 'junit']);
  expect(junit.stdout).toMatch(/<failure message="CVE-2026-10001 \(high\)/);
  const json = await ward(['image', 'report', 'guest/app:v1', '-o', 'json']);
  expect(JSON.parse(json.stdout)).toMatchObject({
    verdict: { outcome: 'deny', isJudged: true, breaking: [0] },
  });
  expect((await ward(['image', 'report', 'guest/app:v1', '-o', 'name'])).stdout).toBe('CVE-2026-10001\n');
});

test('report of unreadable content is an error in the CI formats, and not a denial', async () => {
  const gaps = [{ path: 'opt/a.7z', reason: 'not scanned' }];
  api.answers.set(`GET ${reports}/report`, {
    body: { ...report, findings: [], inventory: { ...report.inventory, gaps } },
  });
  const reason = { rule: 'gaps', outcome: 'deny', text: 'could not be read: opt/a.7z', findings: [] };
  api.answers.set(`GET ${reports}/verdict`, {
    body: [{ ...verdict('push', 'deny', '2026-11-25T10:00:00Z'), reasons: [reason] }],
  });
  const { code, stdout, stderr } = await ward(['image', 'report', digest, '--format', 'sarif']);
  expect(JSON.parse(stdout)).toMatchObject({ runs: [{ invocations: [{ executionSuccessful: false }] }] });
  expect([code, stderr]).toEqual([
    0,
    expect.stringMatching(/^not judged: nothing found\n.*\n +leave it out/),
  ]);
});

test('report writes each format to a folder, and removes those of another image', async () => {
  await using folder = await makeHome();
  const words = ['image', 'report', 'guest/app:v1', '--reports', folder.path];
  expect(await ward(words)).toMatchObject({ code: 0, stdout: expect.stringContaining('denied: ') });
  expect(await readdir(folder.path)).toHaveLength(6);
  api.answers.set(`GET ${reports}/report`, { status: 404 });
  expect((await ward(words)).code).toBe(5);
  expect(await readdir(folder.path)).toEqual([]);
});

test('report refuses contradictory options', async () => {
  for (const more of [
    ['-o', 'json', '--format', 'sarif'],
    ['-o', 'sarif'],
    ['--sbom', '--format', 'sarif'],
    ['--sbom', '-o', './sbom.json'],
    ['--sbom', '--reports', './reports'],
  ])
    expect((await ward(['image', 'report', 'guest/app:v1', ...more])).code).toBe(2);
  expect(asked(api)).toEqual([]);
});

test('report prints the SBOM unchanged', async () => {
  api.answers.set(`GET ${reports}/sbom`, { body: { bomFormat: 'CycloneDX' } });
  expect(JSON.parse((await ward(['image', 'report', 'guest/app:v1', '--sbom'])).stdout)).toEqual({
    bomFormat: 'CycloneDX',
  });
});

test('delete takes a tag, or a digest', async () => {
  api.answers.set('DELETE /v2/guest/app/manifests/v1', { status: 202 });
  expect(await ward(['image', 'delete', 'guest/app:v1'])).toMatchObject({ code: 0, stdout: '' });
  const path = `/v2/guest/app/manifests/${encodeURIComponent(digest)}`;
  api.answers.set(`DELETE ${path}`, { status: 202 });
  expect((await ward(['image', 'delete', `guest/app@${digest}`])).code).toBe(0);
  expect(asked(api).at(-1)).toBe(`DELETE ${path}`);
});

test('a refusal is shown in the registry’s words, with a hint', async () => {
  api.answers.set('GET /v2/guest/none/manifests/latest', {
    status: 404,
    body: { errors: [{ code: 'MANIFEST_UNKNOWN', message: 'there is no such manifest' }] },
  });
  const { code, stderr } = await ward(['image', 'report', 'guest/none']);
  expect(code).toBe(5);
  expect(stderr).toMatch(/^error\[NOT_FOUND\]: there is no such manifest\nwhy: .*\ntry: {3}ward image list/);
  expect((await ward(['image', 'delete', 'guest/App:v1'])).code).toBe(2);
  expect((await ward(['image', 'delete', 'guest/app:v1', '--force'])).code).toBe(2);
});

test('an answer that is not a report is refused', async () => {
  api.answers.set(`GET ${reports}/report`, { body: { form: 2 } });
  expect((await ward(['image', 'report', 'guest/app:v1'])).stderr).toContain('error[REPORT_INVALID]');
});
