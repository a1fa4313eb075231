import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { randomHex, silentLog } from '../../lib/index.ts';
import { isIsolated } from '../host/isolated.ts';
import { mechanismNames } from '../mechanisms.ts';
import { strictPolicy } from '../policy.ts';
import { type LocalSandboxHost, openSandboxHost } from '../sandbox-host.ts';
import { strictProfile } from '../seccomp/profile.ts';
import { makeTestRoot, type TestRoot } from '../testing/root.ts';
import { runDoctor } from './doctor.ts';
import { systemCalls } from './system-calls.ts';

test.each(['x64', 'arm64'] as const)('every tripwire that %s has can be tried', (arch) => {
  const calls = systemCalls(arch);
  const tripwires = [...strictProfile.refuse].flatMap(([name, how]) => (how === 'kill' ? [name] : []));
  const missing = tripwires.filter((name) => !(name in calls));
  expect(missing).toEqual(arch === 'x64' ? [] : ['iopl', 'ioperm']);
});

const canTry = isIsolated() && existsSync('/usr/bin/crun') && existsSync('/usr/bin/python3');
const why = canTry ? '' : ' (needs Ward’s isolation, crun and Python)';

describe.skipIf(!canTry)(`doctor${why}`, () => {
  let host: LocalSandboxHost;
  let root: TestRoot;
  let runDir: string;

  beforeAll(async () => {
    runDir = await mkdtemp(join(tmpdir(), 'ward-doctor-run-'));
    root = await makeTestRoot();
    host = await openSandboxHost({
      instance: `test-${randomHex(4)}`,
      runDir,
      runtime: 'crun',
      log: silentLog,
    });
  });
  afterAll(async () => {
    await host.close();
    await root[Symbol.asyncDispose]();
    await rm(runDir, { recursive: true });
  });

  test('everything that the strict policy requires is available and proven', async () => {
    const report = await runDoctor({ host, policy: strictPolicy, roots: { 'python:3.13': root.path } });
    expect(report.rows.map(({ name }) => name)).toEqual(mechanismNames);
    const unproven = report.rows.filter(({ available, proven }) => available && proven !== 'yes');
    expect(unproven).toEqual([]);
    expect(report.ok).toBe(true);
    expect(report.runtimes).toHaveProperty('crun');
  });

  test('a hole is found: no tripwires, a capability', async () => {
    const policy = {
      ...strictPolicy,
      capabilities: ['CAP_CHOWN'],
      seccomp: { ...strictProfile, refuse: new Map() },
      landlock: undefined,
    };
    const report = await runDoctor({ host, policy, roots: { 'python:3.13': root.path } });
    const proven = Object.fromEntries(report.rows.map((row) => [row.name, row.proven]));
    expect(proven).toMatchObject({ seccomp: 'no', 'no-capabilities': 'no', landlock: 'skipped' });
    expect(report.ok).toBe(false);
  });

  test('known holes of the runtimes are reported, and refused when the policy says so', async () => {
    const of = (runtimeAdvisories: 'warn' | 'refuse') =>
      runDoctor({ host, policy: { ...strictPolicy, runtimeAdvisories }, roots: {} });
    const told = (await of('warn')).advisories;
    for (const { id, title, reference, refused } of told) {
      expect({ id, title, reference, refused }).toEqual({
        id: expect.stringMatching(/^CVE-/),
        title: expect.stringMatching(/./),
        reference: expect.stringMatching(/^https:/),
        refused: false,
      });
    }
    expect((await of('refuse')).advisories).toEqual(told.map((one) => ({ ...one, refused: true })));
  });

  test('without an image nothing is proven, and that isn’t ok', async () => {
    const report = await runDoctor({ host, policy: strictPolicy, roots: {} });
    expect(report.rows.every(({ proven }) => proven === 'skipped')).toBe(true);
    expect(report.ok).toBe(false);
  });

  test('a mechanism that is required and missing isn’t ok', async () => {
    const policy = { ...strictPolicy, required: ['selinux' as const], selinuxLabel: undefined };
    const report = await runDoctor({ host, policy, roots: {} });
    expect(report.ok).toBe(false);
    expect(report.rows.find(({ name }) => name === 'selinux')).toMatchObject({
      required: true,
      available: false,
    });
  });
});
