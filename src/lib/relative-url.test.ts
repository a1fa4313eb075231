import { expect, test } from 'vitest';
import { relativeUrl } from './relative-url.ts';

const host = 'https://example.com';

test.each([
  ['/console', '/console/'],
  ['/console/session/callback?code=/a/b', '/console/login?failed=LOGIN_INVALID'],
  ['/api/v1/docs', '/api/v1/api-docs'],
  ['/api/v1/docs/', '/api/v1/api-docs'],
  ['/console//a%2Fb/c#x', '/console/assets/a.js'],
  ['/', '/a:b'],
])('leads from %s to %s, also below a prefix', (from, to) => {
  const reference = relativeUrl(from, to);
  for (const prefix of ['', '/ward', '/a/b'])
    expect(new URL(reference, host + prefix + from).href).toBe(host + prefix + to);
});
