import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hasMoreValuesThan, isJsonObject, nestsDeeperThan } from './json.ts';

const depthOf = (value: unknown): number =>
  typeof value === 'object' && value !== null ? 1 + Math.max(0, ...Object.values(value).map(depthOf)) : 0;

describe('nestsDeeperThan', () => {
  it('agrees with the depth of the parsed value', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), fc.integer({ min: 0, max: 6 }), (value, limit) => {
        expect(nestsDeeperThan(JSON.stringify(value), limit)).toBe(depthOf(value) > limit);
      }),
    );
  });

  it.each([
    ['{"a":"[[[[[["}', 1, false],
    ['{"a":"\\"[[[["}', 1, false],
    ['[[[', 2, true],
    ['[[[', 3, false],
    ['', 0, false],
  ])('%s nests deeper than %d: %s', (text, limit, expected) => {
    expect(nestsDeeperThan(text, limit)).toBe(expected);
  });

  it('reads a megabyte of brackets without recursion', () => {
    expect(nestsDeeperThan('['.repeat(1_000_000), 1000)).toBe(true);
  });
});

/** Counts names, too. */
const valuesIn = (value: unknown): number =>
  Array.isArray(value)
    ? 1 + value.reduce<number>((sum, each) => sum + valuesIn(each), 0)
    : isJsonObject(value)
      ? 1 + Object.values(value).reduce<number>((sum, each) => sum + 1 + valuesIn(each), 0)
      : 1;

describe('hasMoreValuesThan', () => {
  it('never counts too few, nor twice as many', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
        const text = JSON.stringify(value);
        expect(hasMoreValuesThan(text, valuesIn(value) - 1)).toBe(true);
        expect(hasMoreValuesThan(text, 2 * valuesIn(value))).toBe(false);
      }),
    );
  });

  it.each([
    ['["a,[{:\\",["]', 2, false],
    ['[1,2]', 2, true],
    ['{"a":{}}', 4, false],
    [`[${'[],'.repeat(1_000_000)}[]]`, 1_000_000, true],
  ])('%.20s: more than %d: %s', (text, limit, expected) => {
    expect(hasMoreValuesThan(text, limit)).toBe(expected);
  });
});

describe('isJsonObject', () => {
  it.each([
    [{}, true],
    [[], false],
    [null, false],
    ['{}', false],
  ])('%j: %s', (value, expected) => {
    expect(isJsonObject(value)).toBe(expected);
  });
});
