import { expect, test } from 'vitest';
import { csvText } from './csv.ts';

test('quotes what needs it, and lets no cell be a formula', () => {
  expect(
    csvText([
      ['a', 1],
      ['b "c", d', -2],
    ]),
  ).toBe('a,1\r\n"b ""c"", d",-2\r\n');
  expect(csvText([['=1+1', '@x', 'a=b', '-1']])).toBe("'=1+1,'@x,a=b,'-1\r\n");
  expect(csvText([['line\nbreak']])).toBe('"line\nbreak"\r\n');
});
