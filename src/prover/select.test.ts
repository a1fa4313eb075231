import fc from 'fast-check';
import { expect, test } from 'vitest';
import { selectTechniques } from './select.ts';
import { techniques } from './techniques/registry.ts';

const names = techniques.map(({ name }) => name);
const selected = (only: string) => selectTechniques({ only: [only] }).map(({ name }) => name);

test('a name selects itself, and a star selects by prefix or suffix', () => {
  expect(selected('mount-tmpfs')).toEqual(['mount-tmpfs']);
  expect(selected('mount-*')).toEqual(names.filter((name) => name.startsWith('mount-')));
  expect(selected('*-bomb')).toEqual(names.filter((name) => name.endsWith('-bomb')));
  expect(selected('*')).toEqual(names);
});

test('several patterns select what any of them selects, and each must match', () => {
  const both = names.filter((name) => name.startsWith('mount-') || name.endsWith('-bomb'));
  expect(selectTechniques({ only: ['*-bomb', 'mount-*', 'mount-tmpfs'] }).map(({ name }) => name)).toEqual(
    both,
  );
  expect(() => selectTechniques({ only: ['mount-*', 'munt-*'] })).toThrow('no technique is called munt-*');
});

test('a vector selects its techniques', () => {
  expect(selectTechniques({ vector: 'outside' }).every(({ vector }) => vector === 'outside')).toBe(true);
  expect(() => selectTechniques({ vector: 'outside', only: ['mount-tmpfs'] })).toThrow('no technique');
});

test.each(['', 'no-such', 'MOUNT-*', '.*'])('%j selects nothing, and says so', (only) => {
  expect(() => selected(only)).toThrow(`no technique is called ${only}`);
});

test('a pattern matches like the equivalent regular expression', () => {
  const pattern = fc.string({ unit: fc.constantFrom('m', 'o', 'u', 'n', 't', '-', '*', 'e'), maxLength: 8 });
  fc.assert(
    fc.property(pattern, (only) => {
      const expression = new RegExp(`^${only.replaceAll('*', '.*')}$`);
      const expected = names.filter((name) => expression.test(name));
      let found: readonly string[] = [];
      try {
        found = selected(only);
      } catch {
        // Nothing is selected.
      }
      expect(found).toEqual(expected);
    }),
  );
});
