import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { matchesPattern } from './name-pattern.ts';

describe('patterns of names', () => {
  it('agree with the equivalent regular expression', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '.', '*'), maxLength: 8 });
    const name = fc.string({ unit: fc.constantFrom('a', 'b', '.'), maxLength: 10 });
    fc.assert(
      fc.property(text, name, (pattern, subject) => {
        const parts = pattern.split('*').map((part) => part.replaceAll('.', '\\.'));
        expect(matchesPattern(pattern, subject)).toBe(new RegExp(`^${parts.join('.*')}$`).test(subject));
      }),
      { numRuns: 2000 },
    );
  });

  it('are fast for patterns that make regular expressions slow', () => {
    expect(matchesPattern(`${'a*'.repeat(5000)}b`, 'a'.repeat(100_000))).toBe(false);
  });
});
