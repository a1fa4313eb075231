import { expect, test } from 'vitest';
import type { Ecosystem } from '../types.ts';
import { fixesAfter, inOrder, judge } from './judge.ts';
import type { Affected, RangeEvent } from './record.ts';

function affected(rest: Partial<Affected>): Affected {
  return { ecosystem: 'npm', release: '', name: 'thing', ranges: [], versions: [], ratings: [], ...rest };
}

function inRange(events: readonly RangeEvent[], version: string, ecosystem: Ecosystem = 'npm'): boolean {
  return judge(affected({ ranges: [inOrder(events, ecosystem)] }), ecosystem, version).affected;
}

const branches: readonly RangeEvent[] = [
  ['introduced', '0'],
  ['fixed', '1.2.0'],
  ['introduced', '2.0.0'],
  ['fixed', '2.0.5'],
];

test.each([
  ['0.0.1', true],
  ['1.1.9', true],
  ['1.2.0-rc.1', true],
  ['1.2.0', false],
  ['1.9.0', false],
  ['2.0.0-alpha', false],
  ['2.0.0', true],
  ['2.0.5', false],
])('branches of a range: %s', (version, expected) => {
  expect(inRange(branches, version)).toBe(expected);
  expect(inRange(branches.toReversed(), version)).toBe(expected);
});

test('the last affected version is affected, the limit is not', () => {
  const last: readonly RangeEvent[] = [
    ['introduced', '1.0.0'],
    ['last', '1.5.0'],
  ];
  expect(['0.9.0', '1.0.0', '1.5.0', '1.5.1'].map((version) => inRange(last, version))).toEqual([
    false,
    true,
    true,
    false,
  ]);
  const limited: readonly RangeEvent[] = [
    ['introduced', '1.0.0'],
    ['limit', '2.0.0'],
  ];
  expect(['1.9.9', '2.0.0'].map((version) => inRange(limited, version))).toEqual([true, false]);
});

test('a version that both fixes and reintroduces is judged by the order of the events', () => {
  const again: readonly RangeEvent[] = [
    ['introduced', '0'],
    ['fixed', '1.0.0'],
    ['introduced', '1.0.0'],
  ];
  expect(inRange(again, '1.0.0')).toBe(true);
});

test('introduced at zero means every version, even where zero is no version', () => {
  expect(inRange([['introduced', '0']], '0~~', 'deb')).toBe(true);
  expect(inRange([['introduced', '0']], 'no version at all', 'npm')).toBe(true);
});

test('a version matches by a list as well as by ranges', () => {
  const both = affected({ ranges: [[['introduced', '2.0']]], versions: ['1.0', '1.1.post1'] });
  const answers = ['1.0', '1.0.0', 'v1.1.post1', '1.2', '2.1'].map(
    (version) => judge(both, 'pypi', version).affected,
  );
  expect(answers).toEqual([true, true, true, false, true]);
});

test('an advisory without ranges and versions matches nothing', () => {
  expect(judge(affected({}), 'npm', '1.0.0')).toEqual({ affected: false, uncertain: false });
});

test.each<readonly [Ecosystem, string, Partial<Affected>]>([
  ['npm', 'git+https://example.org/x.git', { ranges: [branches] }],
  ['golang', '(devel)', { ranges: [branches] }],
  ['npm', '1.0.0', { ranges: [[['introduced', 'what?']]] }],
  ['npm', '', { versions: ['1.0.0'] }],
  ['npm', '1.0.0', { constraint: { notation: 'npm', affected: 'no range', safe: [] } }],
  ['npm', '1.x', { constraint: { notation: 'npm', affected: '<2', safe: [] } }],
  ['gem', '1 2', { constraint: { notation: 'gem', safe: ['>= 2'] } }],
])('%s %s: a version that can’t be compared is affected, but uncertain', (ecosystem, version, rest) => {
  expect(judge(affected(rest), ecosystem, version)).toEqual({ affected: true, uncertain: true });
});

test.each([
  ['8.1.3', true],
  ['8.1.4', false],
  ['9.0.0', false],
  ['7.10.0', true],
  ['7.10.2', false],
  ['v8.1.0-rc.1', true],
])('npm’s own notation: %s', (version, expected) => {
  const range = affected({
    constraint: { notation: 'npm', affected: '8.x || 7.x', safe: ['^8.1.4 || ^7.10.1'] },
  });
  expect(judge(range, 'binary', version)).toEqual({ affected: expected, uncertain: false });
  if (expected) expect(fixesAfter(range, 'binary', version)).toContain('8.1.4');
});

test.each([
  ['1.9.2', true],
  ['1.9.3', false],
  ['1.9.9', false],
  ['1.10.0', true],
  ['2.0.1', false],
  ['0.9', false],
  ['2.0.a', true],
])('RubyGems’ own notation: %s', (version, expected) => {
  const range = affected({
    constraint: { notation: 'gem', safe: ['~> 1.9.3', '>= 2.0', '< 1.0, > 0.5'] },
  });
  expect(judge(range, 'gem', version)).toEqual({ affected: expected, uncertain: false });
});

test('fixes are newer than the version', () => {
  expect(fixesAfter(affected({ ranges: [branches] }), 'npm', '0.1.0')).toEqual(['1.2.0', '2.0.5']);
  expect(fixesAfter(affected({ ranges: [branches] }), 'npm', '2.0.1')).toEqual(['2.0.5']);
});
