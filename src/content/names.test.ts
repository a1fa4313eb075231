import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { digestOf } from '../blobs/index.ts';
import {
  isRepositoryName,
  isTag,
  namespaceOfRepository,
  parsePushedReference,
  parseRepositoryName,
  parseTag,
} from './names.ts';

describe('the name of a repository', () => {
  it.each([
    'guest/app',
    'whisk.system/nodejs',
    'a/b/c/d',
    'a-b/c--d',
    'a_b/c__d',
    '0/1',
    `a/${'b'.repeat(253)}`,
  ])('%s is one', (text) => {
    expect(parseRepositoryName(text)).toBe(text);
  });

  it.each([
    ...['', 'app', '/app', 'guest/', 'guest//app', 'Guest/app', 'guest/app:v1', 'guest/a b', 'guest/../x'],
    ...[
      'guest/.',
      'guest/-a',
      'guest/a-',
      'guest/a..b',
      'guest/a___b',
      'guest/a\n',
      'guest/ä',
      'guest/a\u0000',
    ],
    `a/${'b'.repeat(254)}`,
  ])('%j is invalid', (text) => {
    expect(() => parseRepositoryName(text)).toThrow(expect.objectContaining({ code: 'REPOSITORY_INVALID' }));
  });

  it('never points outside its folder, for any text', () => {
    const part = fc.constantFrom('a', '.', '-', '_', '/', '~', '%', ':', '\\', ' ');
    fc.assert(
      fc.property(fc.array(part, { maxLength: 20 }), (parts) => {
        const text = parts.join('');
        if (!isRepositoryName(text)) return;
        expect(text.split('/').every((each) => /^[a-z0-9]/.test(each) && !each.includes('..'))).toBe(true);
      }),
    );
  });

  it('of a hostile length is checked without backtracking, which would outlast the test', () => {
    expect(isRepositoryName(`a/${'-'.repeat(250)}`)).toBe(false);
    expect(isRepositoryName(`a/${'a-'.repeat(1_000_000)}`)).toBe(false);
  });

  it('begins with its namespace', () => {
    expect(namespaceOfRepository(parseRepositoryName('whisk.system/a/b'))).toBe('whisk.system');
  });
});

describe('a tag', () => {
  it.each(['v1', '_', 'A.b-c_d', `sha256-${'0'.repeat(64)}.sig`, 'a'.repeat(128)])('%s is one', (text) => {
    expect(parseTag(text)).toBe(text);
  });
  it.each(['', '.a', '-a', 'a/b', 'a:b', 'a b', 'a\n', 'a'.repeat(129), 'ä'])('%j is invalid', (text) => {
    expect(isTag(text)).toBe(false);
  });
});

describe('the name of an image', () => {
  const digest = digestOf('x');

  it.each([
    ['guest/app', 'guest/app', 'latest'],
    ['guest/a/b:v1', 'guest/a/b', 'v1'],
    [`guest/app@${digest}`, 'guest/app', digest],
    [`guest/app:v1@${digest}`, 'guest/app', digest],
  ])('%s has a repository and a reference', (text, repository, reference) => {
    expect(parsePushedReference(text)).toEqual({ repository, reference });
  });

  it.each([
    ...['', 'app', 'guest/app:', 'guest/app@', 'guest/app@v1', 'host:5000/guest/app', 'guest/app:v1:v2'],
    ...['../guest/app', `guest/app@${digest}@${digest}x`.replace('@sha', '@xsha')],
  ])('%s is invalid', (text) => {
    expect(parsePushedReference(text)).toBeUndefined();
  });
});
