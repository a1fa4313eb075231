import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createMatcher } from './matcher.ts';
import { compile } from './program.ts';
import { parseRegex, type RegexOptions } from './regex-syntax.ts';

function find(source: string, text: string, options?: RegexOptions) {
  const bytes = Buffer.from(text, 'latin1');
  const matcher = createMatcher(compile(parseRegex(source, options)));
  const match = matcher.match(bytes, { earliest: 0, latest: bytes.length }, () => {});
  if (match === undefined) return undefined;
  const show = (start: number, end: number) => bytes.subarray(start, end).toString('latin1');
  return { at: match.start, text: show(match.start, match.end), core: show(match.coreStart, match.coreEnd) };
}

test.each([
  ['ab+c', 'xabbbc', 'abbbc'],
  ['(?:ba|da)?sh\\b', 'a dash', 'dash'],
  ['[A-Z0-9_]{3,5}', 'ab_C9_XYZ', '_C9_X'],
  ['a.c', 'a\nc abc', 'abc'],
  ['[^\\n]+', '\nxy\n', 'xy'],
  ['\\x41\\.\\d{2}', 'zA.12', 'A.12'],
  ['a{,2}b', 'aaab', 'aab'],
  ['x{a}', 'x{a}', 'x{a}'],
  ['[]a]+', '[a]]', 'a]]'],
  ['[a\\]-]+', 'x-]a', '-]a'],
  ['(?i)abc', 'xABc', 'ABc'],
  ['(?is)a.B', 'A\nb', 'A\nb'],
  ['a+?', 'aaa', 'a'],
  ['é', 'caf\xc3\xa9', '\xc3\xa9'],
])('%s in %j finds %j', (source, text, found) => {
  expect(find(source, text)?.text).toBe(found);
});

test('the first group is the core of a match', () => {
  expect(find('key=(?:"|\')?([a-z]+)(;|$)', 'key="abc;')).toMatchObject({ text: 'key="abc;', core: 'abc' });
  expect(find('ab', 'ab')?.core).toBe('ab');
});

test('the ends of lines and of the text', () => {
  expect(find('^b$', 'a\nb\nc')).toBeUndefined();
  expect(find('^b$', 'a\nb\nc', { lines: true })?.at).toBe(2);
  expect(find('^b$', 'a\nb\r\nc', { lines: true })?.at).toBe(2);
});

test.each([
  ['(a)\\1', 'is not supported'],
  ['(?=a)', 'is not supported'],
  ['(?<n>a)', 'is not supported'],
  ['\\p{L}', 'is not supported'],
  ['a**', 'to repeat'],
  ['a{2}{3}', 'to repeat'],
  ['*a', 'to repeat'],
  ['(?:\\b)+', 'to repeat'],
  ['a{5,2}', 'is impossible'],
  ['a{2000}', 'more than 1000 times'],
  ['(a', 'not closed'],
  ['a)', "unmatched ')'"],
  ['[a', 'not closed'],
  ['[z-a]', 'an invalid range'],
  ['[é]', 'can only hold ASCII'],
  ['\\xZZ', 'two hex digits'],
  [`${'('.repeat(30)}a${')'.repeat(30)}`, 'nests deeper'],
  ['a'.repeat(5000), 'longer than'],
])('%s is refused', (source, message) => {
  expect(() => parseRegex(source)).toThrow(expect.objectContaining({ code: 'RULES_INVALID' }));
  expect(() => parseRegex(source)).toThrow(message);
});

test('a pattern that would need too many steps is refused', () => {
  expect(() => compile(parseRegex('(?:(?:[ab]{100}){100}){100}'))).toThrow('more than 4000 steps');
});

/** Expressions that mean the same here and in JavaScript. */
const { expression } = fc.letrec<{ expression: string; sequence: string; part: string; one: string }>(
  (tie) => ({
    expression: fc.array(tie('sequence'), { minLength: 1, maxLength: 3 }).map((list) => list.join('|')),
    sequence: fc.array(tie('part'), { minLength: 1, maxLength: 4 }).map((list) => list.join('')),
    part: fc
      .tuple(
        tie('one'),
        fc.constantFrom('', '', '', '*', '+', '?', '{1,3}', '{2}', '*?', '+?', '??', '{0,2}?'),
      )
      .map(([one, repeat]) => one + repeat),
    one: fc.oneof(
      { maxDepth: 2 },
      fc.constantFrom('a', 'b', 'c', '[ab]', '[^a]', '.', '\\w', '\\d', ' '),
      // Never empty, because JavaScript handles repetitions of empty matches differently.
      tie('expression').map((inner) => `(?:[ab](?:${inner}))`),
    ),
  }),
);

test('finds what JavaScript finds', () => {
  fc.assert(
    fc.property(
      expression,
      fc.string({ unit: fc.constantFrom('a', 'b', 'c', '1', ' ', '\n'), maxLength: 12 }),
      (source, text) => {
        fc.pre(source.length < 200);
        const theirs = new RegExp(source).exec(text);
        const ours = find(source, text);
        expect([ours?.at, ours?.text]).toEqual([theirs?.index, theirs?.[0]]);
      },
    ),
    { numRuns: 1500 },
  );
});
