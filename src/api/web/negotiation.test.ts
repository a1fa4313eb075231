import { describe, expect, test } from 'vitest';
import { accepts } from './accept.ts';
import { isAdmitted, webSettings } from './settings.ts';

describe('Accept', () => {
  const html = 'text/html; charset=UTF-8';
  test.each([
    [undefined, html, true],
    ['', html, true],
    ['*/*', html, true],
    ['*', html, true],
    ['text/html', html, true],
    ['TEXT/HTML;q=0.1', html, true],
    ['text/*', html, true],
    ['application/json, text/html', html, true],
    ['text/html,application/xhtml+xml,*/*;q=0.8', 'image/png', true],
    ['application/json', html, false],
    ['text/xml', html, false],
    ['text/html;q=0, */*', html, false],
    ['image/*', html, false],
    [',;,', html, false],
  ])('%s of %s: %s', (accept, type, expected) => {
    expect(accepts(accept, type)).toBe(expected);
  });
});

describe('annotations', () => {
  const settings = (annotations: Record<string, unknown>) =>
    webSettings(Object.entries(annotations).map(([key, value]) => ({ key, value: value as never })));

  test.each([undefined, false, 'true', 1, null, 'yes'])('web-export %j offers nothing', (value) => {
    expect(settings(value === undefined ? {} : { 'web-export': value })).toBeUndefined();
  });

  test('only true is true', () => {
    const off = { isRaw: false, hasOwnOptions: false, access: { kind: 'open' }, tokens: [] };
    expect(settings({ 'web-export': true })).toEqual(off);
    expect(settings({ 'web-export': true, 'raw-http': 'true', 'web-custom-options': 1 })).toEqual(off);
    expect(settings({ 'web-export': true, 'raw-http': true, 'web-custom-options': true })).toEqual({
      ...off,
      isRaw: true,
      hasOwnOptions: true,
    });
  });

  test.each([
    [undefined, undefined, false, true],
    [false, undefined, false, true],
    [true, undefined, false, false],
    [true, undefined, true, true],
    [true, 'true', false, false],
    ['secret', undefined, true, false],
    ['secret', 'secret', false, true],
    ['secret', 'Secret', true, false],
    ['secret', 'secret ', false, false],
    ['', '', false, true],
    [9_007_199_254_740_991, '9007199254740991', false, true],
    [9_007_199_254_740_991, '9007199254740992', false, false],
    [1, '1.0', false, false],
    [null, 'null', true, false],
    [{}, '[object Object]', true, false],
    [[], '', true, false],
  ])('require-whisk-auth %j with the secret %j and a key %s: %s', (value, secret, hasKey, expected) => {
    const annotation = value === undefined ? {} : { 'require-whisk-auth': value };
    const found = settings({ 'web-export': true, ...annotation });
    expect(found && isAdmitted(found.access, secret, hasKey)).toBe(expected);
  });
});
