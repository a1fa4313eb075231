import { describe, expect, test } from 'vitest';
import { nextPatch, parseVersion } from './put-fields.ts';

describe('a version', () => {
  test.each([
    ['1', '1.0.0'],
    ['1.0', '1.0.0'],
    ['0.1', '0.1.0'],
    ['1.2.3', '1.2.3'],
    ['0.0.1', '0.0.1'],
    ['01.02.03', '1.2.3'],
    ['1.2.3.4', '1.2.3'],
    ['1.2.3.beta', '1.2.3'],
    ['1.', '1.0.0'],
    ['2147483647', '2147483647.0.0'],
  ])('%s is %s', (sent, version) => {
    expect(parseVersion(sent)).toBe(version);
  });

  const refused: unknown[] = [
    '',
    '.',
    '0',
    '0.0.0',
    '0.0.0.1',
    '-1',
    '1.-1',
    'a',
    '1.x',
    '1..2',
    ' 1',
    '1.2-3',
  ];
  test.each([...refused, '2147483648', '9'.repeat(400), 1, 1.5, ['1'], {}, true])(
    '%j is not valid',
    (sent) => {
      expect(() => parseVersion(sent)).toThrow(
        'The request content was malformed:\nsemantic version malformed',
      );
    },
  );

  test('that was sent in part is completed, and incremented from there', () => {
    expect(nextPatch(parseVersion('1.0'))).toBe('1.0.1');
  });
});
