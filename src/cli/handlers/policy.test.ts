/** `ward policy` and `ward audit`, on a data folder without a server. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, expect, test } from 'vitest';
import { digestOf } from '../../blobs/index.ts';
import {
  defaultPolicy,
  generateKeyPair,
  judge,
  openGateStore,
  parsePolicy,
  readSigningKey,
  readVexFolder,
  rulesFor,
} from '../../gate/index.ts';
import type { Report, Vulnerability } from '../../scanner/index.ts';
import { gatePaths } from '../../server/index.ts';
import { makeHome, runWard } from '../cli.fixture.ts';

const home = await makeHome();
const paths = gatePaths(join(home.path, 'data'));
const digest = digestOf(Buffer.from('image'));
afterAll(() => home[Symbol.asyncDispose]());
const ward = (...args: string[]) => runWard(args, { home });

const vulnerability: Vulnerability = {
  class: 'vulnerability',
  id: 'CVE-2021-23337',
  aliases: [],
  title: 'Command injection',
  severity: 'medium',
  severitySource: 'ghsa',
  component: { ecosystem: 'npm', name: 'lodash', version: '4.17.20', purl: 'pkg:npm/lodash@4.17.20' },
  fixedIn: ['4.17.21'],
  status: 'affected',
  knownExploited: false,
  places: [{ path: 'app/package.json' }],
};
const report: Report = {
  form: 1,
  target: { name: 'team/app:v1', kind: 'image', digest },
  scannedAt: new Date().toISOString(),
  inventory: {
    distribution: { id: 'debian', versionId: '13', name: 'Debian 13' },
    components: [],
    layers: [],
    gaps: [],
  },
  findings: [vulnerability],
  suppressed: [],
};

async function file(name: string, text: string): Promise<string> {
  const path = join(home.path, name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
  return path;
}
const strict = await file('strict.yaml', 'form: 1\nrules: { vulnerabilities: { limits: { medium: 0 } } }\n');

test('policy check reports what is wrong in a file, and where', async () => {
  expect(await ward('policy', 'check', strict)).toMatchObject({ code: 0, stdout: '' });
  const wrong = await file(
    'wrong.yaml',
    'form: 1\nrules:\n  vulnerabilities: { limits: { hihg: 0 } }\n  signatures: { action: deny }\n',
  );
  expect(await ward('policy', 'check', wrong)).toMatchObject({
    code: 2,
    stdout: `${wrong}:3:32: rules.vulnerabilities.limits.hihg: there is no key 'hihg' here; did you mean high?\n`,
    stderr: expect.stringMatching(/^error\[POLICY_INVALID\]: .*wrong\.yaml has a fault\n/),
  });
  const never = await file('never.yaml', 'form: 1\nrules:\n  signatures: { action: deny }\n');
  const { code, stdout } = await ward('policy', 'check', never, '-o', 'json');
  expect(code).toBe(2);
  expect(JSON.parse(stdout)).toEqual({
    file: never,
    isValid: false,
    faults: [
      {
        line: 3,
        column: 17,
        path: 'rules.signatures.action',
        message: expect.stringContaining('names no keys'),
        suggestion: expect.stringContaining('keys: [NAME]'),
      },
    ],
  });
  expect((await runWard(['policy', 'check', '-'], { home, input: 'form: 2' })).code).toBe(2);
});

test('policy show prints Ward’s own rules, those of a file, or those in force', async () => {
  const own = await ward('policy', 'show', '-o', 'json');
  expect(own.stderr).toContain('Ward’s own');
  expect(JSON.parse(own.stdout).vulnerabilities.limits).toMatchObject({ high: 0, medium: 'any' });
  const given = await ward('policy', 'show', '--policy', strict, '-o', 'json');
  expect(JSON.parse(given.stdout).vulnerabilities.limits).toMatchObject({ high: 0, medium: 0 });
  const run = await ward('policy', 'show', '--stage', 'run', '-o', 'json');
  expect(JSON.parse(run.stdout).vulnerabilities.action).toBe('warn');
  await file(paths.policy.slice(home.path.length), 'form: 1\nrules: { gaps: warn }\n');
  const inForce = await ward('policy', 'show');
  expect(inForce.stderr).toContain(paths.policy);
  expect(inForce.stdout).toMatch(/^gaps: warn$/m);
  const text = await ward('policy', 'show', '--text');
  expect(text).toMatchObject({ code: 0, stdout: 'form: 1\nrules: { gaps: warn }\n' });
  expect(text.stderr).toContain(paths.policy);
  expect((await ward('policy', 'show', '--text', '--stage', 'run')).code).toBe(2);
});

test('policy test shows what another policy would change of a report', async () => {
  const written = await file('report.json', JSON.stringify({ ...report, verdict: { outcome: 'allow' } }));
  const changed = await ward('policy', 'test', written, '--policy', strict, '-o', 'json');
  expect(changed.code).toBe(0);
  expect(JSON.parse(changed.stdout)).toMatchObject({
    judged: 1,
    changes: [
      {
        name: 'team/app:v1',
        before: { outcome: 'allow' },
        after: { outcome: 'deny', reasons: [{ rule: 'vulnerabilities.limits.medium' }] },
      },
    ],
  });
  const strictly = ['policy', 'test', written, '--exit-code', '--policy'];
  expect((await ward(...strictly, strict)).code).toBe(3);
  const lenient = await file('lenient.yaml', 'form: 1\nrules: { advisories: { missing: allow } }\n');
  expect((await ward(...strictly, lenient)).code).toBe(0);
  const same = await ward('policy', 'test', written, '--policy', strict, '--against', strict);
  expect(same.stderr).toContain('0 of 1 judgements would change');
  const signed = await file('signed.yaml', 'form: 1\nrules: { signatures: { action: deny } }\n');
  const unknown = await ward('policy', 'test', written, '--policy', signed);
  expect(unknown.stdout).toMatch(/team\/app:v1 .*allow +deny +signatures/);
  expect(unknown.stderr).toContain('unknown signers: team/app:v1 is neither');
  const none = await ward('policy', 'test', await file('none.json', '{}'), '--policy', strict);
  expect(none).toMatchObject({ code: 2, stderr: expect.stringContaining('error[REPORT_INVALID]') });
});

test('without a gate store there is nothing to list or test', async () => {
  await using empty = await makeHome();
  for (const args of [
    ['audit', 'list', '--all'],
    ['audit', 'verify'],
    ['policy', 'test'],
  ]) {
    const { code, stderr } = await runWard(args, { home: empty });
    expect({ code, stderr }).toMatchObject({ code: 5, stderr: expect.stringContaining('DATA_DIR_EMPTY') });
  }
});

test('stored reports are judged again in their earlier contexts; the log is listed and verified', async () => {
  const time = new Date().toISOString();
  const key = readSigningKey(generateKeyPair('secret').privateKey, 'secret');
  {
    await using store = await openGateStore({ path: paths.database });
    await store.putReport({ kind: 'image', digest }, report);
    const subject = {
      stage: 'deploy',
      namespace: 'acme',
      kind: 'image',
      report,
      digest,
      now: Date.now(),
    } as const;
    const verdict = { ...judge(defaultPolicy(), subject), digest };
    const entry = { time, event: 'verdict', actor: 'key-1', name: 'team/app:v1', outcome: 'warn' } as const;
    await store.write({ verdicts: [verdict], audit: [entry, { ...entry, name: 'evil\u001b[2J' }] });
    await file('checkpoint.json', JSON.stringify(await store.checkpoint(key)));
    await file('ward.pub', key.publicKey);
  }
  const tested = await ward('policy', 'test', '--policy', strict);
  expect(tested.stdout).toMatch(/team\/app:v1 +acme +deploy +allow +deny/);
  const listed = await ward('audit', 'list', '--all');
  expect(listed.stdout).toMatch(/1 +\S+ +verdict +team\/app:v1 .* warn/);
  expect(listed.stdout).not.toContain('\u001b');
  expect(
    JSON.parse((await ward('audit', 'list', '--all', '--after', '1', '-o', 'json')).stdout),
  ).toMatchObject([{ seq: 2 }]);
  const verified = await ward('audit', 'verify', '--key', 'ward.pub', '--checkpoint', 'checkpoint.json');
  expect(verified).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/intact +yes\nentries +2\ncheckpoints +2/),
  });
});

test('a waiver is made in the name of who runs the command, counts in policy test, and ends', async () => {
  const without = await ward('waiver', 'create', 'CVE-2021-23337', '--until', '2099-01-31');
  expect(without).toMatchObject({ code: 2, stderr: expect.stringContaining('a waiver needs --reason') });
  const [reason, until] = ['no <b>templates</b>', '2099-01-31'];
  const options = ['--reason', reason, '--package', 'pkg:npm/lodash', '-o', 'name'];
  const over = await ward('waiver', 'create', 'CVE-2021-23337', '--until', '2020-01-31', ...options);
  expect(over).toMatchObject({ code: 2, stderr: expect.stringContaining('WAIVER_INVALID') });
  const made = await ward('waiver', 'create', 'CVE-2021-23337', '--until', until, ...options);
  expect(made.code).toBe(0);
  const listed = JSON.parse((await ward('waiver', 'list', '-o', 'json')).stdout);
  const by = expect.stringMatching(/^operator \d+/);
  const kept = { finding: 'CVE-2021-23337', purl: 'pkg:npm/lodash', reason, by, expires: until };
  expect(listed).toMatchObject([{ ...kept, id: made.stdout.trim() }]);
  const tested = async () => (await ward('policy', 'test', '--policy', strict, '-o', 'json')).stdout;
  expect(JSON.parse(await tested()).changes).toEqual([]);
  expect((await ward('waiver', 'delete', made.stdout.trim())).code).toBe(0);
  expect(JSON.parse(await tested()).changes).toHaveLength(1);
  const gone = await ward('waiver', 'delete', made.stdout.trim());
  expect(gone).toMatchObject({ code: 5, stderr: expect.stringContaining('WAIVER_MISSING') });
  const log = await ward('audit', 'list', '--all', '--what', '*-waiver', '-o', 'json');
  const events = JSON.parse(log.stdout).map(({ event, name }: Record<string, string>) => `${event} ${name}`);
  expect(events.toSorted()).toEqual(['create-waiver CVE-2021-23337', 'delete-waiver CVE-2021-23337']);
});

test('policy set puts a valid policy in force, in the name of who runs the command', async () => {
  const wrong = await file('no-policy.yaml', 'form: 1\nrules: { malwar: deny }\n');
  expect(await ward('policy', 'set', wrong)).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(
      /^error\[POLICY_INVALID\]: (.*no-policy\.yaml) has a fault\nwhy: {3}\1:2:10: rules\.malwar: .*did you mean malware\?\n/,
    ),
  });
  const text = 'form: 1\nrules: { gaps: warn }\n';
  const set = await ward('policy', 'set', await file('gaps.yaml', text), '-o', 'json');
  expect(set.code).toBe(0);
  expect(JSON.parse(set.stdout)).toMatchObject({ place: paths.policy, revision: parsePolicy(text).revision });
  expect(await readFile(paths.policy, 'utf8')).toBe(text);
  const log = await ward('audit', 'list', '--all', '--what', 'set-policy', '-o', 'json');
  expect(JSON.parse(log.stdout)).toMatchObject([
    { actor: expect.stringMatching(/^operator \d+/), after: digestOf(Buffer.from(text)) },
  ]);
  expect((await ward('policy', 'set', '--none', wrong)).code).toBe(2);
  expect((await ward('policy', 'set')).code).toBe(2);
  expect(await ward('policy', 'set', '--none')).toMatchObject({
    ...{ code: 0, stderr: expect.stringContaining('Ward’s own policy is in force') },
  });
  const shown = await ward('policy', 'show', '--text', '-o', 'json');
  expect(JSON.parse(shown.stdout)).toMatchObject({ source: paths.policy, text: 'form: 1\n' });
  const rules = await ward('policy', 'show', '-o', 'json');
  expect(JSON.parse(rules.stdout)).toEqual(rulesFor(defaultPolicy(), 'guest', 'push'));
  const entries = JSON.parse(
    (await ward('audit', 'list', '--all', '--what', 'set-policy', '-o', 'json')).stdout,
  );
  expect(entries).toHaveLength(2);
});

test('vex set replaces all documents, in the name of who runs the command, and vex list has them', async () => {
  const listed = async () => JSON.parse((await ward('vex', 'list', '-o', 'json')).stdout);
  const openVex = (...names: readonly string[]) => ({
    ...{ '@context': 'https://openvex.dev/ns/v0.2.0', author: 'ada', timestamp: '2026-01-01T00:00:00Z' },
    statements: names.map((name) => ({
      vulnerability: name,
      products: ['pkg:npm/lodash'],
      ...{ status: 'not_affected', justification: 'component_not_present' },
    })),
  });
  const [one, two] = await Promise.all([
    file('given/one.json', JSON.stringify(openVex('CVE-2021-23337'))),
    file('given/two.json', JSON.stringify(openVex('CVE-1', 'CVE-2'))),
  ]);
  const wrong = await file('wrong.json', '{}');
  const refused = { code: 2, stderr: expect.stringContaining(wrong) };
  expect(await ward('vex', 'set', one, wrong)).toMatchObject(refused);
  expect(await listed()).toEqual([]);
  for (const args of [[], [one, '--none']])
    expect(await ward('vex', 'set', ...args)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--none'),
    });
  const set = await ward('vex', 'set', dirname(two), '-o', 'json');
  expect(set.code, set.stderr).toBe(0);
  const documents = [
    { name: 'one.json', statements: 1 },
    { name: 'two.json', statements: 2 },
  ];
  const { revision } = await readVexFolder(paths.vex);
  expect(JSON.parse(set.stdout)).toMatchObject({ place: paths.vex, documents, revision });
  expect(await listed()).toEqual(documents.map((document) => ({ ...document, from: paths.vex })));
  const tested = await ward('policy', 'test', '--policy', strict, '-o', 'json');
  expect(JSON.parse(tested.stdout).changes).toEqual([]);
  expect((await ward('vex', 'set', two)).code).toBe(0);
  expect((await listed()).map(({ name }: { name: string }) => name)).toEqual(['two.json']);
  expect((await ward('vex', 'set', '--none')).code).toBe(0);
  expect(await listed()).toEqual([]);
  const log = JSON.parse((await ward('audit', 'list', '--all', '--what', 'set-vex', '-o', 'json')).stdout);
  const actor = expect.stringMatching(/^operator \d+/);
  const last = log.find(({ after }: { after?: string }) => after === undefined);
  expect(log).toHaveLength(3);
  expect(log).toContainEqual(expect.objectContaining({ actor, after: revision, vexRevision: revision }));
  expect(last).toMatchObject({ actor, before: expect.stringMatching(/^sha256:/) });
});

test('a changed entry breaks the log', async () => {
  const db = new DatabaseSync(paths.database);
  db.exec('drop trigger audit_no_update');
  db.exec(`update audit set entry = replace(entry, 'warn', 'allow') where seq = 1`);
  db.close();
  const { code, stdout } = await ward('audit', 'verify');
  expect(code).toBe(1);
  expect(stdout).toMatch(/intact +no/);
  expect(stdout).toMatch(/problem +entry 1: this entry was changed/);
});
