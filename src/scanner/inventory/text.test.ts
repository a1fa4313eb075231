import fc from 'fast-check';
import { expect, test } from 'vitest';
import { mostPackages } from '../limits.ts';
import { allPackages, linesOf } from './text.ts';

test('lines equal those of splitting the whole text', () => {
  const unit = fc.constantFrom('a', '\n', '\r', '\r\n', 'é', ' ');
  fc.assert(
    fc.property(fc.string({ unit }), (text) => {
      expect([...linesOf(Buffer.from(text))]).toEqual(text.split(/\r?\n/));
    }),
  );
});

test('packages are listed up to a limit', () => {
  const numbers = (count: number) => Array.from({ length: count }, (_, at) => at);
  expect(allPackages(numbers(mostPackages))).toHaveLength(mostPackages);
  expect(() => allPackages(numbers(mostPackages + 1))).toThrow(`more than ${mostPackages} packages`);
});
