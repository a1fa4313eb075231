import { expect, test } from 'vitest';
import { digestOf } from '../blobs/index.ts';
import { appLayer, baseLayer, injection, miner, report, root, token } from './formats/formats.fixture.ts';
import { foundBefore } from './found-before.ts';
import type { Finding, Vulnerability } from './types.ts';

/** For each finding of `now`, whether `then` has it, too. */
function old(now: readonly Finding[], then: readonly Finding[]): readonly boolean[] {
  const before = foundBefore(now, { ...report, findings: then, suppressed: [] });
  return now.map((finding) => before.has(finding));
}

const { component } = injection;
const versioned = (version: string): Vulnerability => ({
  ...injection,
  component: { ...component, version, purl: `pkg:npm/lodash@${version}` },
});

test.each<[string, Finding, Finding, boolean]>([
  ['the same', injection, injection, true],
  ['an upgrade that does not fix it', versioned('4.17.20-b'), injection, true],
  [
    'under another id, with the first as its alias',
    { ...injection, id: 'GHSA-1', aliases: [injection.id] },
    injection,
    true,
  ],
  ['another vulnerability of the package', { ...injection, id: 'CVE-2020-1', aliases: [] }, injection, false],
  [
    'another one of the same advisory of a distribution',
    { ...injection, id: 'CVE-2020-1', aliases: ['RHSA-2020:1'] },
    { ...injection, aliases: ['RHSA-2020:1'] },
    false,
  ],
  [
    'without a CVE id, by the others',
    { ...injection, id: 'GHSA-1' },
    { ...injection, id: 'GHSA-1', aliases: [] },
    true,
  ],
  [
    'the same of another package',
    { ...injection, component: { ...component, name: 'lodash-es' } },
    injection,
    false,
  ],
  [
    'the same name of another ecosystem',
    { ...injection, component: { ...component, ecosystem: 'gem' } },
    injection,
    false,
  ],
  ['at one more place', { ...injection, places: [...injection.places, { path: 'b' }] }, injection, true],
])('a vulnerability, %s', (_, now, then, isOld) => {
  expect(old([now], [then])).toEqual([isOld]);
});

const contentDigest = digestOf(Buffer.from('mines'));
const [place = { path: '' }] = miner.places;
const elsewhere = [{ ...place, layer: baseLayer }];
const package1 = {
  class: 'malware',
  id: 'MAL-2025-1',
  title: 'x',
  severity: 'critical',
  places: [],
  component,
} as const;

test.each<[string, Finding, Finding, boolean]>([
  ['in the same layer', miner, miner, true],
  ['in another layer, of unknown content', { ...miner, places: elsewhere }, miner, false],
  [
    'in another layer, with the same content',
    { ...miner, contentDigest, places: elsewhere },
    { ...miner, contentDigest },
    true,
  ],
  [
    'in another layer, with other content',
    { ...miner, contentDigest: digestOf(Buffer.from('mines more')), places: elsewhere },
    { ...miner, contentDigest },
    false,
  ],
  [
    'copied to another path',
    { ...miner, contentDigest, places: [{ path: 'b' }] },
    { ...miner, contentDigest },
    false,
  ],
  ['in one more place', { ...miner, places: [place, { path: 'b', layer: appLayer }] }, miner, false],
  [
    'outside images, of unknown content',
    { ...miner, places: [{ path: 'a' }] },
    { ...miner, places: [{ path: 'a' }] },
    false,
  ],
  ['by another rule', { ...miner, id: 'ward:other' }, miner, false],
  ['a package in the same version', package1, package1, true],
  ['a package in another version', { ...package1, component: versioned('9').component }, package1, false],
])('malware, %s', (_, now, then, isOld) => {
  expect(old([now], [then])).toEqual([isOld]);
});

test.each<[string, Finding, Finding, boolean]>([
  [
    'on another line of another layer',
    { ...token, line: 9, places: [{ path: 'app/.env', layer: baseLayer }] },
    token,
    true,
  ],
  ['with other ends', { ...token, redacted: 'ghp_***xy' }, token, false],
  ['under another path', { ...token, places: [{ path: 'app/.env.old', layer: appLayer }] }, token, false],
  ['by another rule', { ...token, id: 'ward:secret/other' }, token, false],
])('a secret, %s', (_, now, then, isOld) => {
  expect(old([now], [then])).toEqual([isOld]);
});

test('a further secret with the same redacted text in the same file is new', () => {
  expect(old([token, { ...token, line: 8 }], [token])).toEqual([true, false]);
  expect(old([token, { ...token, line: 8 }], [token, { ...token, line: 5 }])).toEqual([true, true]);
});

test('a file with a secret that a later layer writes again adds no secret', () => {
  const again = { ...token, line: 4, places: [{ path: 'app/.env', layer: baseLayer }] };
  expect(old([token, again], [token])).toEqual([true, true]);
});

test('a misconfiguration is the same by its rule and its path', () => {
  expect(old([root], [root])).toEqual([true]);
  expect(old([{ ...root, places: [{ path: 'etc/shadow' }] }], [root])).toEqual([false]);
  expect(old([{ ...root, id: 'ward:config/other' }], [root])).toEqual([false]);
});

test('a finding that was declared harmless was there before, too', () => {
  const earlier = { ...report, findings: [], suppressed: [{ finding: injection, reason: 'vex' }] };
  expect([...foundBefore([injection, token], earlier)]).toEqual([injection]);
});

test('nothing was there before an empty report', () => {
  expect(old(report.findings, [])).toEqual(report.findings.map(() => false));
});
