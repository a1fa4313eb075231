import { describe, expect, test } from 'vitest';
import { ref } from '../platform.fixture.ts';
import {
  fullNameOf,
  isEntityName,
  parseEntityName,
  parseNamespaceName,
  parseNamespaceSegment,
  pathOf,
} from './names.ts';

const guest = parseNamespaceName('guest');

describe('entity names', () => {
  test.each(['a', '_', 'hello', 'a b', 'a-b.c@d&e', '0', 'x'.repeat(256)])('%s is valid', (text) => {
    expect(isEntityName(text)).toBe(true);
  });

  test.each(['', ' a', 'a ', '-a', '.a', 'a/b', 'a\n', 'ä', 'a\u0000', 'a%', 'a$b', '@a'])(
    '%j is not valid',
    (text) => {
      expect(() => parseEntityName(text)).toThrow('The name of the entity contains illegal characters.');
    },
  );

  test('may have up to 256 characters', () => {
    expect(() => parseEntityName('x'.repeat(257))).toThrow('Name segement longer than allowed: 257 > 256.');
  });
});

describe('the namespace of a path', () => {
  test.each([
    ['_', 'guest', undefined],
    ['guest', 'guest', undefined],
    ['other', 'other', undefined],
    ['_/pkg', 'guest', 'pkg'],
    ['guest/pkg', 'guest', 'pkg'],
  ])('%s', (text, namespace, inPackage) => {
    expect(parseNamespaceSegment(text, guest)).toEqual({ namespace, package: inPackage });
  });

  test.each([
    ['', 'The namespace contains illegal characters.'],
    ['a$', 'The namespace contains illegal characters.'],
    ['guest/$', 'The namespace contains illegal characters.'],
    ['n'.repeat(257), 'Namespace longer than allowed: 257 > 256.'],
    ['a/b/c', 'The requested resource does not exist.'],
  ])('%j is refused', (text, message) => {
    expect(() => parseNamespaceSegment(text, guest)).toThrow(message);
  });

  test('is never called _', () => {
    expect(() => parseNamespaceName('_')).toThrow('The namespace contains illegal characters.');
  });
});

test('paths and full names', () => {
  expect(pathOf(ref('a'))).toBe('a');
  expect(fullNameOf(ref('a', 'guest', 'p'))).toBe('guest/p/a');
});
