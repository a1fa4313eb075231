/** Results and their answers: OpenWhisk's own cases, and hostile ones. */
import { describe, expect, test } from 'vitest';
import type { WebExtension } from '../../functions/index.ts';
import type { JsonValue } from '../../lib/index.ts';
import type { Shaped } from './answer.ts';
import { shapeResult } from './shape.ts';

const shape = (extension: WebExtension, result: JsonValue): Shaped =>
  shapeResult(extension, 'success', JSON.stringify(result));

const content = (body: unknown, contentType: string, more: object = {}) => ({
  status: 200,
  headers: {},
  body,
  contentType,
  ...more,
});
const empty = (status: number, headers: object = {}) => ({
  status,
  headers,
  body: undefined,
  contentType: undefined,
});
const json = 'application/json';
const html = 'text/html; charset=UTF-8';
const plain = 'text/plain; charset=UTF-8';
const notHttp = { status: 400, error: "Response is not valid 'message/http'." };
const wrongType = { status: 400, error: 'Response type in header did not match generated content type.' };
const unknownType = { status: 400, error: 'Response did not specify a known content-type.' };
const png = 'iVBORw0KGgo=';

describe.each<[WebExtension, [JsonValue, unknown][]]>([
  [
    'json',
    [
      [{ a: 1 }, content('{\n  "a": 1\n}', json)],
      [[1, 'x'], content('[\n  1,\n  "x"\n]', json)],
      [{}, content('{}', json)],
      ['text', { status: 400, error: "Response is not valid 'application/json'." }],
      [null, { status: 400, error: "Response is not valid 'application/json'." }],
    ],
  ],
  [
    'html',
    [
      [{ html: '<p>' }, content('<p>', html)],
      [{ body: '<b>', html: '<p>' }, content('<b>', html)],
      ['<p>', content('<p>', html)],
      [{}, { status: 400, error: "Response is not valid 'text/html'." }],
      [{ body: { a: 1 } }, { status: 400, error: "Response is not valid 'text/html'." }],
    ],
  ],
  [
    'svg',
    [
      [{ svg: '<svg/>' }, content('<svg/>', 'image/svg+xml')],
      [{ body: '<svg/>' }, content('<svg/>', 'image/svg+xml')],
      [{ svg: 1 }, { status: 400, error: "Response is not valid 'image/svg+xml'." }],
    ],
  ],
  [
    'text',
    [
      [{ text: 'hi' }, content('hi', plain)],
      [{ body: 'hi', text: 'no' }, content('hi', plain)],
      [{ text: { a: 'A' } }, content('{\n  "a": "A"\n}', plain)],
      [{ text: ['a'] }, content('[\n  "a"\n]', plain)],
      [{ text: true }, content('true', plain)],
      [{ text: 1 }, content('1', plain)],
      [{ text: null }, content('null', plain)],
      ['hi', content('hi', plain)],
      [{ other: 1 }, { status: 404, error: 'Response does not include requested property.' }],
    ],
  ],
])('.%s', (extension, cases) => {
  test.each(cases)('%j', (result, expected) => {
    expect(shape(extension, result)).toEqual(expected);
  });
});

describe('.http', () => {
  test.each<[JsonValue, unknown]>([
    [{}, empty(204)],
    [{ body: '' }, empty(204)],
    [{ body: null }, empty(204)],
    [{ statusCode: 201 }, empty(201)],
    [
      { statusCode: 200, headers: { 'content-type': json, 'Set-Cookie': 'a=b' } },
      empty(200, { 'set-cookie': 'a=b' }),
    ],
    [{ statusCode: 302, headers: { location: 'http://x' } }, empty(302, { location: 'http://x' })],
    [{ body: 'hi' }, content('hi', html)],
    [{ statusCode: 201, body: 'hi' }, content('hi', html, { status: 201 })],
    [{ statusCode: '200', body: 'hi' }, content('hi', html)],
    [{ statusCode: 599, body: 'hi' }, content('hi', html, { status: 599 })],
    [{ statusCode: 204, body: 'hi' }, empty(204)],
    [{ statusCode: 304, body: { a: 1 } }, empty(304)],
    [{ body: { a: 1 } }, content('{\n  "a": 1\n}', json)],
    [{ body: [] }, content('[]', json)],
    [{ body: 3 }, content('3', json)],
    [{ body: false }, content('false', json)],
  ])('%j', (result, expected) => {
    expect(shape('http', result)).toEqual(expected);
  });

  test.each<[string, JsonValue, unknown]>([
    ['text/plain', 'hi', content('hi', plain)],
    ['text/html; charset=iso-8859-1', 'hi', content('hi', html)],
    ['TEXT/CSS; a="b c"', 'x', content('x', 'text/css; a="b c"; charset=UTF-8')],
    ['application/xml', '<a/>', content('<a/>', 'application/xml; charset=UTF-8')],
    ['image/png', png, content(Buffer.from(png, 'base64'), 'image/png')],
    ['image/png', 'AA', content(Buffer.from([0]), 'image/png')],
    ['image/png', 'not base64!', wrongType],
    ['image/png', 'AAA==', wrongType],
    ['image/svg+xml', '<svg/>', content('<svg/>', 'image/svg+xml')],
    ['image/svg+xml', 'PHN2Zy8+', content(Buffer.from('<svg/>'), 'image/svg+xml')],
    [json, '{"a":1}', content('{"a":1}', json)],
    [json, 'hello world', content('hello world', json)],
    [json, 'eyJhIjoxfQ==', content(Buffer.from('{"a":1}'), json)],
    [json, 'true', content('true', json)],
    [json, '1234', content('1234', json)],
    [json, { a: 1 }, content('{\n  "a": 1\n}', json)],
    ['application/hal+json', { a: 1 }, content('{\n  "a": 1\n}', 'application/hal+json')],
    ['application/json-patch+json', 'e30=', content(Buffer.from('{}'), 'application/json-patch+json')],
    ['text/html', { a: 1 }, wrongType],
    ['image/png', { a: 1 }, wrongType],
    ['xyzbar', 'hi', unknownType],
    ['', 'hi', unknownType],
    ['xyzbar', { a: 1 }, wrongType],
  ])('the type %s with %j', (type, body, expected) => {
    expect(shape('http', { headers: { 'Content-Type': type }, body })).toEqual(expected);
  });

  test.each<[JsonValue]>([
    ['text'],
    [[1]],
    [null],
    [{ statusCode: 'xyz' }],
    [{ statusCode: '20' }],
    [{ statusCode: 200.5 }],
    [{ statusCode: 100 }],
    [{ statusCode: 101 }],
    [{ statusCode: 600 }],
    [{ statusCode: -200 }],
    [{ statusCode: null }],
    [{ statusCode: true }],
    [{ statusCode: [200] }],
    [{ headers: null }],
    [{ headers: ['a'] }],
    [{ headers: 'a: b' }],
  ])('%j is not an answer', (result) => {
    expect(shape('http', result)).toEqual(notHttp);
  });
});

describe('headers of a result', () => {
  const headersOf = (headers: JsonValue) => shape('http', { headers, body: 'x' });

  test.each<[JsonValue, unknown]>([
    [
      { 'X-A': 'a', 'x-b': 1, 'x-c': true },
      { 'x-a': 'a', 'x-b': '1', 'x-c': 'true' },
    ],
    [{ 'Set-Cookie': ['a=b', 'c=d; Path = /'] }, { 'set-cookie': ['a=b', 'c=d; Path = /'] }],
    [{ 'X-A': 'a', 'x-a': ['b', ['c']] }, { 'x-a': ['a', 'b', 'c'] }],
    [
      { 'x-empty': '', 'x-none': [] },
      { 'x-empty': '', 'x-none': [] },
    ],
    [{ ['__proto__']: 'x' }, Object.fromEntries([['__proto__', 'x']])],
  ])('%j', (headers, expected) => {
    expect(headersOf(headers)).toEqual(content('x', html, { headers: expected }));
  });

  test.each([
    'Content-Length',
    'Transfer-Encoding',
    'Connection',
    'Keep-Alive',
    'Upgrade',
    'Trailer',
    'TE',
    'X-Request-ID',
    'X-OpenWhisk-Activation-Id',
    'X-Ward-Fault',
    'Service-Worker-Allowed',
  ])('%s belongs to the server, and is left out', (name) => {
    expect(headersOf({ [name]: '5', 'x-a': 'a' })).toEqual(content('x', html, { headers: { 'x-a': 'a' } }));
  });

  test.each<[JsonValue]>([
    [{ 'x-a': 'a\r\nSet-Cookie: b' }],
    [{ 'x-a': 'a\nb' }],
    [{ 'x-a': 'a\rb' }],
    [{ 'x-a': 'a\u0000b' }],
    [{ 'x-a': 'a\u007fb' }],
    [{ 'x-a': '€' }],
    [{ 'x-a': ['ok', 'a\r\n\r\n<script>'] }],
    [{ 'content-type': 'text/html\r\nx: y' }],
    [{ 'content-length': '5\r\nx: y' }],
    [{ 'x a': 'a' }],
    [{ 'x-a:': 'a' }],
    [{ 'x-a\r\nb': 'a' }],
    [{ '': 'a' }],
    [{ 'x-a': null }],
    [{ 'x-a': { b: 1 } }],
    [{ 'x-a': [null] }],
    [{ 'x-a': 'a'.repeat(40_000) }],
    [{ 'x-a': Array.from({ length: 201 }, () => 'a') }],
    [Object.fromEntries(Array.from({ length: 201 }, (_, n) => [`x-${n}`, 'a']))],
  ])('%.60j invalidate the whole answer', (headers) => {
    expect(headersOf(headers)).toEqual(notHttp);
  });
});

describe('a failed activation', () => {
  const failed = (extension: WebExtension, error: JsonValue) =>
    shapeResult(extension, 'application error', JSON.stringify({ error }));

  test('of the action’s own answers in the same forms', () => {
    expect(failed('http', { statusCode: 418, body: 'no' })).toEqual(content('no', html, { status: 418 }));
    expect(failed('text', 'no')).toEqual(content('no', plain));
    expect(failed('json', 'no')).toEqual({ status: 400, error: "Response is not valid 'application/json'." });
    expect(shapeResult('json', 'application error', '{}')).toMatchObject({ status: 404 });
    expect(shapeResult('json', 'application error', '[]')).toMatchObject({ status: 404 });
  });

  test.each(['http', 'json', 'text', 'html', 'svg'] as const)(
    '.%s: says that it is over the limit',
    (form) => {
      const text = 'The action produced a response that exceeded the allowed length: 200 > 100 bytes.';
      const shaped = failed(form, `${text} The truncated response was: {"body":"secret`);
      expect(shaped).toEqual({ status: 400, error: text });
    },
  );

  test.each(['action developer error', 'whisk internal error'] as const)('%s: reveals no more', (status) => {
    for (const extension of ['http', 'json', 'text', 'html', 'svg'] as const) {
      expect(shapeResult(extension, status, '{"error":"secret"}')).toEqual({
        status: 400,
        error: 'There was an error processing your request.',
      });
    }
  });
});
