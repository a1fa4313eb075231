import { describe, expect, test } from 'vitest';
import { formatApiKey, hashSecret, isSecret, newApiKey, parseAuthorization } from './keys.ts';

const header = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;

test('a new key is a UUID with 64 letters and digits, and differs each time', () => {
  const key = newApiKey();
  expect(formatApiKey(key)).toMatch(/^[0-9a-f-]{36}:[A-Za-z0-9]{64}$/);
  expect(newApiKey().secret).not.toBe(key.secret);
});

test('its hash matches only that key', () => {
  const { secret } = newApiKey();
  expect(isSecret(secret, hashSecret(secret))).toBe(true);
  expect(isSecret(`${secret}x`, hashSecret(secret))).toBe(false);
  expect(isSecret(secret, '')).toBe(false);
});

describe('the Authorization header', () => {
  test('of a key', () => {
    const key = newApiKey();
    expect(parseAuthorization(header(formatApiKey(key)))).toEqual(key);
    expect(parseAuthorization(header(formatApiKey(key)).replace('Basic', 'basic'))).toEqual(key);
  });

  test.each([undefined, ''])('%j is missing', (text) => {
    expect(() => parseAuthorization(text)).toThrow(
      'The resource requires authentication, which was not supplied with the request',
    );
  });

  const { id } = newApiKey();
  test.each([
    'Bearer abc',
    'Basic',
    'Basic !!!',
    header(id),
    header(`${id}:`),
    header(`not-a-uuid:${'x'.repeat(64)}`),
    header(`${id}:with blank`),
    header(`${id}:${'x'.repeat(257)}`),
    `Basic ${'A'.repeat(5000)}`,
  ])('%s is invalid', (text) => {
    expect(() => parseAuthorization(text)).toThrow('The supplied authentication is invalid');
  });
});
