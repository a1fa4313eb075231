import { expect, test } from 'vitest';
import { makeAuthority } from '../../lib/key-pairs.fixture.ts';
import { nameSearch } from './certificates-by-name.ts';

test('a pair that stays is read once, whatever comes and goes beside it', async () => {
  await using authority = await makeAuthority();
  const [one, two, newer] = await Promise.all([
    authority.issue(['one.example']),
    authority.issue(['two.example', '*.two.example']),
    authority.issue(['one.example']),
  ]);
  const searchOf = nameSearch(undefined);
  const [first, second, third] = [searchOf([one]), searchOf([two, one]), searchOf([newer, two])];
  expect(first('one.example')).toBeDefined();
  expect(second('One.example')).toBe(first('one.example'));
  expect(first('a.two.example')).toBeUndefined();
  expect(third('a.two.example')).toBe(second('two.example'));
  expect(third('one.example')).not.toBe(first('one.example'));
  expect(() => searchOf([{ ...one, key: two.key }])).toThrow();
});
