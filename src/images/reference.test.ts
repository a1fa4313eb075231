import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseReference } from './reference.ts';

describe('a reference', () => {
  it.each([
    ['nodejs:24', { form: 'store', name: 'nodejs:24' }],
    ['team/app', { form: 'store', name: 'team/app:latest' }],
    ['oci:/a/b', { form: 'layout', dir: '/a/b', tag: undefined }],
    ['oci:/a/b:nodejs:24', { form: 'layout', dir: '/a/b', tag: 'nodejs:24' }],
    ['oci:b', { form: 'layout', dir: resolve('b'), tag: undefined }],
    ['rootfs:/a/../b', { form: 'folder', dir: '/b' }],
    ['rootfs:odd,na:me', { form: 'folder', dir: resolve('odd,na:me') }],
  ])('%s is parsed', (text, meaning) => {
    expect(parseReference(text)).toEqual(meaning);
  });

  it.each([
    '',
    'oci:',
    'rootfs:',
    '../x:1',
    'Upper:1',
    'a b',
    'a:',
    'a:b:c',
    `${'a'.repeat(300)}:1`,
    'a\n:1',
  ])('%j is refused', (text) => {
    expect(() => parseReference(text)).toThrow(expect.objectContaining({ code: 'IMAGE_INVALID' }));
  });
});
