import { expect, test } from 'vitest';
import { anyGlob } from './path-glob.ts';

test.each([
  ['usr/bin/*', 'usr/bin/env', true],
  ['usr/bin/*', 'usr/bin/a/b', false],
  ['usr/bin/*', 'usr/bin', false],
  ['**/bin/sh', 'bin/sh', true],
  ['**/bin/sh', 'usr/local/bin/sh', true],
  ['**/bin/sh', 'usr/sbin/sh', false],
  ['tmp/**', 'tmp/a/b/c', true],
  ['tmp/**', 'var/tmp/a', false],
  ['**/node_modules/**/test/**', 'a/node_modules/b/c/test/d.js', true],
  ['**/node_modules/**/test/**', 'node_modules/test/d.js', true],
  ['**/node_modules/**/test/**', 'a/test/node_modules/d.js', false],
  ['**/.env.*', 'app/.env.production', true],
  ['**/python3*/**', 'usr/lib/python3.13/os.py', true],
  ['a?c', 'abc', true],
  ['a?c', 'ac', false],
  ['*.a*b', 'x.aab', true],
  ['etc/shadow', 'etc/shadow', true],
  ['etc/shadow', 'etc/shadow-', false],
  ['**', 'anything/at/all', true],
])('%s and %s: %s', (glob, path, expected) => {
  expect(anyGlob([glob])(path)).toBe(expected);
});

test('one matching glob is enough, and an empty list matches nothing', () => {
  expect(anyGlob(['a', 'b*'])('bc')).toBe(true);
  expect(anyGlob([])('a')).toBe(false);
});

test('long paths with many near misses are decided quickly', () => {
  const path = `${'a/'.repeat(2000)}b`;
  expect(anyGlob(['**/a/**/a/**/a/**/c', '**/a*a*a*a*c'])(path)).toBe(false);
  expect(anyGlob(['*a*a*a*a*b'])('a'.repeat(4000))).toBe(false);
});
