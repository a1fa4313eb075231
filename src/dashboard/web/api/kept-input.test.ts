import { expect, test } from 'vitest';
import { keptInputOf } from './kept-input.ts';

test('an input without anything hidden is whole', () => {
  const input = { order: 17, list: [{ n: 1 }, null, 'redacted'] };
  expect(keptInputOf(input)).toEqual({ is: 'whole', input });
  expect(keptInputOf({ omitted: 'by the caller' })).toMatchObject({ is: 'whole' });
  expect(keptInputOf({ omitted: '70011 characters of JSON', order: 17 })).toMatchObject({ is: 'whole' });
});

test('hidden values are left out, at any depth, and it is said where they were', () => {
  const kept = {
    order: 17,
    token: '[redacted]',
    list: [{ apiKey: '[redacted]', n: 1 }],
    headers: { Authorization: '[redacted]', accept: '*/*' },
  };
  expect(keptInputOf(kept)).toEqual({
    is: 'redacted',
    input: { order: 17, list: [{ n: 1 }], headers: { accept: '*/*' } },
    hidden: ['token', 'list[0].apiKey', 'headers.Authorization'],
  });
});

test('what Ward keeps in place of a long input is no input', () => {
  expect(keptInputOf({ omitted: '70011 characters of JSON' })).toEqual({
    is: 'too-long',
    length: '70011 characters of JSON',
  });
});
