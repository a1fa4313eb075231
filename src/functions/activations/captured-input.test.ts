import { expect, test } from 'vitest';
import { captureInput } from './captured-input.ts';

test('keeps the input without values that look like secrets, at any depth', () => {
  const sent = {
    user: 'ada',
    password: 'p',
    list: [{ apiKey: 'k', n: 1 }],
    __ow_headers: { Authorization: 'Basic x', accept: '*/*' },
  };
  expect(JSON.parse(captureInput(sent))).toEqual({
    user: 'ada',
    password: '[redacted]',
    list: [{ apiKey: '[redacted]', n: 1 }],
    __ow_headers: { Authorization: '[redacted]', accept: '*/*' },
  });
});

test('a key that names a prototype is an ordinary key', () => {
  expect(captureInput(JSON.parse('{"__proto__":{"token":1}}'))).toBe('{"__proto__":{"token":"[redacted]"}}');
});

test('long input is omitted, and its length reported', () => {
  expect(JSON.parse(captureInput({ text: 'x'.repeat(70_000) }))).toEqual({
    omitted: '70011 characters of JSON',
  });
});
