import { expect, test } from 'vitest';
import { printableLine, printableText } from './printable.ts';

test.each([
  ['plain ÄÖ 漢字 🎉', 'plain ÄÖ 漢字 🎉'],
  ['\u001b]0;title\u0007', '\\x1b]0;title\\x07'],
  ['\u009b31m', '\\x9b31m'],
  ['a\r\nb\tc', 'a\\x0d\\nb\\tc'],
  ['\u202egnp.exe', '\\u202egnp.exe'],
])('one line of %j', (text, expected) => {
  expect(printableLine(text)).toBe(expected);
});

test('text keeps line breaks and tabs, but no other control characters', () => {
  expect(printableText('a\n\tb\u001b[2J\u202e\r')).toBe('a\n\tb\\x1b[2J\\u202e\\x0d');
});
