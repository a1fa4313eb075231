import { describe, expect, it } from 'vitest';
import { formatSize, parseSize } from './size.ts';

describe('parseSize', () => {
  it.each([
    ['0', 0],
    ['1048576', 1048576],
    ['64k', 65536],
    ['512m', 536870912],
    ['2g', 2147483648],
    ['2G', 2147483648],
    ['1.5g', 1610612736],
    ['256MiB', 268435456],
    ['256 MB', 268435456],
    ['10b', 10],
  ])('%s is %d bytes', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });

  it.each(['', 'm', '-1', '1t', '1mm', '1e3', 'NaN', '9'.repeat(30)])('%j is not a size', (text) => {
    expect(parseSize(text)).toBeUndefined();
  });
});

describe('formatSize', () => {
  it.each([
    [0, '0 B'],
    [1024, '1 KiB'],
    [268435456, '256 MiB'],
    [1610612736, '1.5 GiB'],
  ])('%d is %s', (bytes, text) => {
    expect(formatSize(bytes)).toBe(text);
  });
});
