import { expect, test } from 'vitest';
import { prefixIn } from './prefix.ts';

test.each([
  ['https://ward.example.com/console/assets/index-a1.js', ''],
  ['https://example.com/ward/console/assets/index-a1.js', '/ward'],
  ['https://example.com/console/assets/console/assets/index-a1.js', '/console/assets'],
  // As tests load it.
  ['file:///src/dashboard/web/api/prefix.ts', ''],
])('the prefix of %s is "%s"', (script, prefix) => {
  expect(prefixIn(script)).toBe(prefix);
});
