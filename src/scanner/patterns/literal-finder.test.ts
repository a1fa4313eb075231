import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createLiteralFinder } from './literal-finder.ts';

function places(strings: readonly string[], text: string, from = 0, to = text.length): string[] {
  const found: string[] = [];
  const finder = createLiteralFinder(strings.map((string) => Buffer.from(string.toLowerCase())));
  finder.find(Buffer.from(text), from, to, (literal, at) => found.push(`${strings[literal]}@${at}`));
  return found.sort();
}

function placesByTrying(strings: readonly string[], text: string, from: number, to: number): string[] {
  const lower = text.toLowerCase();
  return strings
    .flatMap((string) =>
      Array.from({ length: Math.max(0, to - from) }, (_, index) => from + index)
        .filter((at) => lower.startsWith(string.toLowerCase(), at))
        .map((at) => `${string}@${at}`),
    )
    .sort();
}

const letters = fc.constantFrom('a', 'b', 'B', '-', '1');

test('finds every string, in either case, within the bounds', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.string({ unit: letters, minLength: 4, maxLength: 8 }), {
        minLength: 1,
        maxLength: 20,
        selector: (string) => string.toLowerCase(),
      }),
      fc.string({ unit: letters, maxLength: 60 }),
      fc.nat(60),
      fc.nat(60),
      (strings, text, one, other) => {
        const from = Math.min(one, other, text.length);
        const to = Math.min(Math.max(one, other), text.length);
        expect(places(strings, text, from, to)).toEqual(placesByTrying(strings, text, from, to));
      },
    ),
    { numRuns: 1000 },
  );
});

test('finds nothing in empty bytes', () => {
  expect(places(['abcd'], '')).toEqual([]);
  expect(places(['abcd'], 'abc')).toEqual([]);
  expect(places([], 'abcd')).toEqual([]);
});

test('finds strings across the edges of its blocks', () => {
  const text = Buffer.alloc(300_000, ' ');
  const every = 1021;
  for (let at = 0; at + 8 <= text.length; at += every) text.write('ab-1B1-b', at);
  const strings = ['b-1b', 'ab-1b1-b', '1-b '];
  fc.assert(
    fc.property(fc.nat(3000), fc.nat(3000), (from, less) => {
      const to = text.length - less;
      const found = places(strings, text.toString(), from, to).length;
      const expected = strings.flatMap((string) => {
        const offset = 'ab-1b1-b '.indexOf(string);
        return Array.from({ length: Math.ceil(text.length / every) }, (_, index) => index * every + offset);
      });
      expect(found).toBe(expected.filter((at) => at >= from && at < to).length);
    }),
    { numRuns: 30 },
  );
});

test('finds everything when there is a match at every offset', () => {
  const length = 150_000;
  expect(places(['aaaa', 'aaaaa'], 'A'.repeat(length))).toHaveLength(length - 3 + length - 4);
});
