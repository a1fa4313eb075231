import { describe, expect, test } from 'vitest';
import { type ArgumentsInput, reservedNames, webArguments } from './arguments.ts';
import { maxPairs } from './pairs.ts';

const input = (more: Partial<ArgumentsInput> = {}): ArgumentsInput => ({
  method: 'POST',
  headers: {},
  path: '',
  query: '',
  body: undefined,
  user: undefined,
  claims: undefined,
  hasKey: false,
  isRaw: false,
  finalKeys: new Set(),
  pathParameters: {},
  ...more,
});

const body = (text: string, type: string | undefined, more: Partial<ArgumentsInput> = {}) =>
  input({ body: Buffer.from(text), headers: type === undefined ? {} : { 'content-type': type }, ...more });

/** Removes what every request has. */
function sent(given: ArgumentsInput) {
  const { __ow_method, __ow_headers, __ow_path, ...rest } = webArguments(given);
  return rest;
}

const code = (expected: string) => expect.objectContaining({ code: expected });

describe('of every request', () => {
  test('are its method, headers and path', () => {
    const headers = { host: 'x', 'x-a': '1', 'set-cookie': ['a', 'b'], cookie: 'c=d' };
    expect(webArguments(input({ method: 'PATCH', headers, path: '/a/%20' }))).toEqual({
      __ow_method: 'patch',
      __ow_headers: { host: 'x', 'x-a': '1', 'set-cookie': 'a, b', cookie: 'c=d' },
      __ow_path: '/a/%20',
    });
  });

  test('is the namespace of the caller’s key, but never the key', () => {
    const headers = { authorization: 'Basic secret', host: 'x' };
    const result = webArguments(input({ headers, user: 'guest', hasKey: true }));
    expect(result).toMatchObject({ __ow_user: 'guest' });
    expect(JSON.stringify(result)).not.toContain('secret');
  });

  test('is foreign credentials, for the action to judge', () => {
    const headers = { authorization: 'Bearer token' };
    expect(webArguments(input({ headers }))).toMatchObject({ __ow_headers: headers });
  });
});

describe('of a query', () => {
  test.each([
    ['', {}],
    ['a=b&c=d', { a: 'b', c: 'd' }],
    ['a=1&a=2&a=3', { a: '3' }],
    ['a&b=', { a: '', b: '' }],
    ['a+b=c+d%2B&%C3%A9=%E2%82%AC', { 'a b': 'c d+', é: '€' }],
    ['a=b=c&&', { a: 'b=c' }],
    ['a[b]=1', { 'a[b]': '1' }],
  ])('%s', (query, expected) => {
    expect(sent(input({ query }))).toEqual(expected);
  });

  test.each(['a=%', 'a=%zz', '%ff=1', 'a=%c3%28'])('%s is refused', (query) => {
    expect(() => webArguments(input({ query }))).toThrow(code('QUERY_INVALID'));
  });

  test('__proto__ is an argument like any other', () => {
    const result = webArguments(input({ query: '__proto__=x&constructor=y' }));
    expect(Object.entries(result)).toContainEqual(['__proto__', 'x']);
    expect(Object.getPrototypeOf(result)).toBe(Object.prototype);
  });
});

describe('of a body', () => {
  test.each([
    ['{"a":1,"b":[true]}', 'application/json', { a: 1, b: [true] }],
    ['{"a":1}', 'application/json; charset=utf-8', { a: 1 }],
    ['{"a":1}', 'application/cloudevents+json', { a: 1 }],
    ['{}', 'application/json', {}],
    ['', 'application/json', {}],
    ['[]', 'application/json', { __ow_body: [] }],
    ['null', 'application/json', { __ow_body: null }],
    ['"text"', 'application/json', { __ow_body: 'text' }],
    ['99', 'application/json', { __ow_body: 99 }],
    ['a=1&b=x+y&a=2', 'application/x-www-form-urlencoded', { a: '2', b: 'x y' }],
    ['1,2,3', 'text/html; charset=UTF-8', { __ow_body: '1,2,3' }],
    ['<a/>', 'application/xml', { __ow_body: '<a/>' }],
    ['let a', 'application/javascript', { __ow_body: 'let a' }],
    ['abc', 'application/x-own; charset=us-ascii', { __ow_body: 'abc' }],
    ['abc', 'image/png', { __ow_body: 'YWJj' }],
    ['abc', 'application/octet-stream', { __ow_body: 'YWJj' }],
    ['abc', 'multipart/form-data; boundary=x', { __ow_body: 'YWJj' }],
    ['abc', undefined, { __ow_body: 'YWJj' }],
    ['abc', 'nonsense', { __ow_body: 'YWJj' }],
  ])('%s as %s', (text, type, expected) => {
    expect(sent(body(text, type))).toEqual(expected);
  });

  test('wins over the query', () => {
    const given = body('{"a":2,"c":3}', 'application/json', { query: 'a=1&b=1' });
    expect(sent(given)).toEqual({ a: 2, b: '1', c: 3 });
  });

  test('text is read in its charset', () => {
    const headers = { 'content-type': 'text/plain; charset=iso-8859-1' };
    expect(sent(input({ headers, body: Buffer.from([0xe9]) }))).toEqual({ __ow_body: 'é' });
  });

  test.each([
    ['{', 'application/json', 'BODY_NOT_JSON'],
    ['['.repeat(501), 'application/json', 'BODY_TOO_DEEP'],
    ['a=%', 'application/x-www-form-urlencoded', 'BODY_INVALID'],
    [`${'&'.repeat(maxPairs)}a=1`, 'application/x-www-form-urlencoded', 'BODY_INVALID'],
    ['a&'.repeat(maxPairs + 1), 'application/x-www-form-urlencoded', 'BODY_INVALID'],
    ['abc', 'text/plain; charset=klingon', 'BODY_INVALID'],
  ])('%.20s as %s is refused', (text, type, expected) => {
    expect(() => webArguments(body(text, type))).toThrow(code(expected));
  });
});

describe('of a raw action', () => {
  test.each([
    ['{"a": 1}', 'application/json', Buffer.from('{"a": 1}').toString('base64')],
    ['1,2,3', 'application/json', 'MSwyLDM='],
    ['a=1&b', 'application/x-www-form-urlencoded', 'a=1&b'],
    ['text', 'text/plain', 'text'],
    ['abc', 'image/png', 'YWJj'],
    ['', 'text/plain', ''],
  ])('the body %s as %s', (text, type, expected) => {
    const given = body(text, type, { isRaw: true, query: 'a=%zz&b' });
    expect(sent(given)).toEqual({ __ow_query: 'a=%zz&b', __ow_body: expected });
  });

  test('query and body set nothing, so they are never refused', () => {
    const given = input({ isRaw: true, query: 'x=1&__ow_method=y', finalKeys: new Set(['x']) });
    expect(sent(given)).toEqual({ __ow_query: 'x=1&__ow_method=y', __ow_body: '' });
  });
});

describe('what a request cannot set', () => {
  test.each([...reservedNames, 'x'])('%s', (name) => {
    const finalKeys = new Set(['x']);
    const refused = code('PARAMETERS_NOT_ALLOWED');
    expect(() => webArguments(input({ finalKeys, query: `${name}=1` }))).toThrow(refused);
    const json = JSON.stringify({ [name]: 1 });
    expect(() => webArguments(body(json, 'application/json', { finalKeys }))).toThrow(refused);
    const form = 'application/x-www-form-urlencoded';
    expect(() => webArguments(body(`${name}=1`, form, { finalKeys }))).toThrow(refused);
  });
});

describe('parts of a gateway’s path', () => {
  test('override the request’s own, but not final parameters', () => {
    const given = body('{"id":"body"}', 'application/json', {
      query: 'id=query',
      pathParameters: { id: 'path', x: 'path' },
      finalKeys: new Set(['x']),
    });
    expect(sent(given)).toEqual({ id: 'path' });
  });
});
