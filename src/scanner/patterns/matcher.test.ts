import { expect, test } from 'vitest';
import { createMatcher } from './matcher.ts';
import { compile } from './program.ts';
import { parseRegex } from './regex-syntax.ts';

function stepsOf(source: string, text: string): number {
  const matcher = createMatcher(compile(parseRegex(source)));
  let steps = 0;
  matcher.match(Buffer.from(text), { earliest: 0, latest: text.length }, (count) => {
    steps += count;
  });
  return steps;
}

test.each([
  ['(?:a+)+$', 'a', 'b'],
  ['(?:a|aa)+$', 'a', 'b'],
  ['(?:a*)*b', 'a', ''],
  ['(?:[a-z]+[a-z]+)+!', 'ab', ''],
  ['[ab]*[ab]*[ab]*c', 'ab', ''],
])('%s takes time in proportion to the text', (source, unit, end) => {
  const text = (count: number) => unit.repeat(count) + end;
  expect(stepsOf(source, text(800))).toBeLessThan(stepsOf(source, text(200)) * 4.5);
});

test('a match begins within its bounds, and reaches 4096 bytes beyond', () => {
  const matcher = createMatcher(compile(parseRegex('ab*c')));
  const bytes = Buffer.from('abc abc');
  const spend = () => {};
  expect(matcher.match(bytes, { earliest: 1, latest: 4 }, spend)).toMatchObject({ start: 4, end: 7 });
  expect(matcher.match(bytes, { earliest: 1, latest: 3 }, spend)).toBeUndefined();
  const long = Buffer.from(`a${'b'.repeat(4094)}c`);
  expect(matcher.match(long, { earliest: 0, latest: 0 }, spend)?.end).toBe(4096);
  const longer = Buffer.from(`a${'b'.repeat(4095)}c`);
  expect(matcher.match(longer, { earliest: 0, latest: 0 }, spend)).toBeUndefined();
});

test('the counter of steps may end it', () => {
  const matcher = createMatcher(compile(parseRegex('[a-z]*!')));
  const stop = () => {
    throw new Error('enough');
  };
  const bytes = Buffer.from('a'.repeat(4000));
  expect(() => matcher.match(bytes, { earliest: 0, latest: 4000 }, stop)).toThrow('enough');
});

test('offsets where no match can begin cost a step each, and edges take no byte', () => {
  expect(stepsOf('(?:abc|xyz)[a-z]{0,9}!', '.'.repeat(1000))).toBe(1001);
  const matcher = createMatcher(compile(parseRegex('\\b(?:abc|x*)\\b')));
  const bytes = Buffer.from('--abc');
  expect(matcher.match(bytes, { earliest: 0, latest: 2 }, () => {})).toMatchObject({ start: 2, end: 5 });
});
