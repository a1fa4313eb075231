import { expect, test } from 'vitest';
import { crunFeatures } from '../testing/spec-input.ts';
import { advisoriesOf, knownAdvisories, refusedAdvisories } from './advisories.ts';
import { runtimeNames } from './drivers.ts';

const installed = (name: 'crun' | 'runc' | 'runsc', version: string, packageFixes: string[] = []) => ({
  ...crunFeatures,
  name,
  version,
  packageFixes,
});
const idsOf = (...args: Parameters<typeof installed>) => advisoriesOf(installed(...args)).map(({ id }) => id);

const races = ['CVE-2025-31133', 'CVE-2025-52565', 'CVE-2025-52881'];

test.each([
  ['1.1.15+ds1', [...races, 'CVE-2026-41579']],
  ['1.1.11', ['CVE-2024-21626', 'CVE-2024-45310', ...races, 'CVE-2026-41579']],
  ['1.1.12', ['CVE-2024-45310', ...races, 'CVE-2026-41579']],
  ['1.2.0-rc.2', ['CVE-2024-45310', ...races, 'CVE-2026-41579']],
  ['1.2.0-rc.3', [...races, 'CVE-2026-41579']],
  ['1.2.8', ['CVE-2026-41579']],
  ['1.3.2', [...races, 'CVE-2026-41579']],
  ['1.3.6', []],
  ['1.4.0-rc.2', races],
  ['1.4.2', ['CVE-2026-41579']],
  ['1.4.3', []],
  ['1.5.1', []],
])('runc %s', (version, ids) => {
  expect(idsOf('runc', version)).toEqual(ids);
});

test('release candidates of runc are ordered by number, however they are written', () => {
  expect(idsOf('runc', '1.0.0-rc9')).toContain('CVE-2021-30465');
  expect(idsOf('runc', '1.0.0-rc95')).not.toContain('CVE-2021-30465');
  expect(idsOf('runc', '1.0.0~rc93+ds1')).toContain('CVE-2021-30465');
});

test.each([
  ['1.21', ['CVE-2026-30892', 'CVE-2026-47766', 'CVE-2026-88264', 'CVE-2026-88265']],
  ['1.18.2', ['CVE-2025-24965', 'CVE-2026-47766', 'CVE-2026-88264', 'CVE-2026-88265']],
  ['1.28', ['CVE-2026-88264', 'CVE-2026-88265']],
  ['1.30.1', []],
])('crun %s', (version, ids) => {
  expect(idsOf('crun', version)).toEqual(ids);
});

test.each([
  ['0.0~20240729.0', ['CVE-2024-10026', 'CVE-2024-10603', 'CVE-2025-2713']],
  ['release-20250203.0', ['CVE-2025-2713']],
  ['release-20260105.0', []],
])('runsc %s', (version, ids) => {
  expect(idsOf('runsc', version)).toEqual(ids);
});

test('a hole that the distribution’s package fixes counts as fixed', () => {
  expect(idsOf('runc', '1.1.15+ds1', races)).toEqual(['CVE-2026-41579']);
});

test('a version that can’t be read has every hole', () => {
  expect(idsOf('crun', 'unknown')).toHaveLength(knownAdvisories().crun.length);
});

test('the policy refuses holes without an answer, all, or none', () => {
  const old = installed('runc', '1.1.11');
  const ids = (policy: 'warn' | 'refuse-open' | 'refuse') =>
    refusedAdvisories(old, policy).map(({ id }) => id);
  expect(ids('warn')).toEqual([]);
  expect(ids('refuse-open')).toEqual(['CVE-2024-21626']);
  expect(ids('refuse')).toHaveLength(6);
});

test('Debian 13’s own runtimes have holes, each with an answer', () => {
  for (const [name, version] of [
    ['crun', '1.21'],
    ['runc', '1.1.15+ds1'],
    ['runsc', '0.0~20240729.0'],
  ] as const) {
    expect(advisoriesOf(installed(name, version)).length).toBeGreaterThan(0);
    expect(refusedAdvisories(installed(name, version), 'refuse-open')).toEqual([]);
  }
});

test('the data: every id once, and a source for each', () => {
  for (const name of runtimeNames) {
    const ids = knownAdvisories()[name].map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { reference } of knownAdvisories()[name]) expect(reference).toMatch(/^https:\/\//);
  }
});
