import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { rulesFor } from '../../gate/index.ts';
import { gatePaths } from '../instance/gate-paths.ts';
import { type ScanPolicyFlags, scanPolicy } from './policy.ts';

let dataDir: string;
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'ward-scan-policy-'));
});
afterAll(() => rm(dataDir, { recursive: true }));

async function rulesWith(flags: Partial<ScanPolicyFlags>, folder = join(dataDir, 'none')) {
  const policy = await scanPolicy({ dataDir: folder, ignoreUnfixed: false, ...flags }, 'guest');
  return rulesFor(policy, 'guest', 'push');
}

test('without an operator’s policy Ward’s own applies, and advisories are required', async () => {
  const { vulnerabilities, advisories } = await rulesWith({});
  expect(vulnerabilities).toMatchObject({ ignoreUnfixed: true, limits: { high: 0, medium: 'any' } });
  expect(advisories.missing).toBe('deny');
});

test.each([
  ['critical', { critical: 0, high: 'any', medium: 'any', low: 'any', none: 'any' }],
  ['medium', { critical: 0, high: 0, medium: 0, low: 'any', none: 'any' }],
  ['unknown', { critical: 0, high: 0, medium: 0, low: 0, none: 0 }],
] as const)('a threshold of %s allows no finding at or above it, fixed or not', async (failOn, limits) => {
  const { vulnerabilities } = await rulesWith({ failOn });
  expect(vulnerabilities).toMatchObject({ action: 'deny', ignoreUnfixed: false, limits });
  expect(vulnerabilities.unknown.action).toBe(failOn === 'unknown' ? 'deny' : 'warn');
  expect((await rulesWith({ failOn, ignoreUnfixed: true })).vulnerabilities.ignoreUnfixed).toBe(true);
});

test('a policy’s rules on unfixed findings and missing advisories are kept', async () => {
  const policy =
    'form: 1\nrules: { vulnerabilities: { ignoreUnfixed: true }, advisories: { missing: allow } }';
  const rules = await rulesWith({ policy, failOn: 'high' });
  expect(rules.vulnerabilities).toMatchObject({ ignoreUnfixed: true, limits: { medium: 'any' } });
  expect(rules.advisories.missing).toBe('allow');
});

test.each([
  ['does not mention them', 'form: 1', 'deny'],
  ['warns of them', 'form: 1\nrules: { advisories: { missing: warn } }', 'deny'],
  ['requires them', 'form: 1\nrules: { advisories: { missing: deny } }', 'deny'],
  [
    'allows it for another namespace',
    'form: 1\noverrides: [{ namespaces: [lab], rules: { advisories: { missing: allow } } }]',
    'deny',
  ],
  [
    'allows it for this one',
    'form: 1\noverrides: [{ namespaces: [guest], rules: { advisories: { missing: allow } } }]',
    'allow',
  ],
])('a policy that %s does not weaken a scan without advisories', async (_, policy, action) => {
  expect((await rulesWith({ policy })).advisories.missing).toBe(action);
});

test('rules that need a running Ward only warn', async () => {
  const policy = 'form: 1\nrules: { signatures: { action: deny }, bases: { action: allow } }';
  const rules = await rulesWith({ policy });
  expect([rules.signatures.action, rules.bases.action]).toEqual(['warn', 'allow']);
});

test('the policy in force replaces Ward’s own, and an invalid one is an error', async () => {
  const path = gatePaths(dataDir).policy;
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, 'form: 1\nrules: { vulnerabilities: { limits: { low: 3 } } }');
  const rules = await rulesWith({}, dataDir);
  expect(rules.vulnerabilities.limits.low).toBe(3);
  expect(rules.advisories.missing).toBe('deny');
  await writeFile(path, 'form: 7');
  await expect(rulesWith({}, dataDir)).rejects.toMatchObject({ code: 'POLICY_INVALID' });
});
