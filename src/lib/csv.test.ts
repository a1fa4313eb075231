import { expect, test } from 'vitest';
import { csvLine } from './csv.ts';

test.each([
  [['a', 1, 2.5], 'a,1,2.5\r\n'],
  [['a,b', 'say "x"', 'two\nlines'], '"a,b","say ""x""","two\nlines"\r\n'],
  [['=1+1', '@x', '-a', -1], "'=1+1,'@x,'-a,-1\r\n"],
])('%j', (cells, line) => {
  expect(csvLine(cells)).toBe(line);
});
