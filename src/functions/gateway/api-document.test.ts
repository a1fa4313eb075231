import { describe, expect, test } from 'vitest';
import type { JsonObject, JsonValue } from '../../lib/index.ts';
import { parseEntityName, parseNamespaceName } from '../entities/names.ts';
import { parseApiDocument } from './api-document.ts';
import { emptyDocument, type NewOperation, withOperation, withoutOperation } from './api-document-edit.ts';
import { compileRoutes } from './api-document-routes.ts';
import { apiLimits } from './api-document-types.ts';

const guest = parseNamespaceName('guest');
const ref = (name: string, inPackage?: string) => ({
  namespace: guest,
  package: inPackage === undefined ? undefined : parseEntityName(inPackage),
  name: parseEntityName(name),
});
const whisk = (action: string, more: JsonObject = {}) => ({
  'x-openwhisk': { namespace: '_', package: '', action, ...more },
});
const document = (paths: JsonValue, more: JsonObject = {}): JsonObject => ({
  swagger: '2.0',
  info: { title: 'Books', version: '1' },
  basePath: '/club',
  paths,
  ...more,
});
const invalid = (text: string) =>
  expect.objectContaining({ code: 'API_INVALID', message: expect.stringContaining(text) });
const parse = (value: JsonObject) => parseApiDocument(value, guest);

const added = (more: Partial<NewOperation> = {}): NewOperation => ({
  path: '/books',
  verb: 'get',
  action: ref('getBooks'),
  extension: 'json',
  secret: undefined,
  parameters: undefined,
  apiHost: 'http://ward:3233',
  ...more,
});

describe('a document', () => {
  test('of Swagger with x-openwhisk alone', () => {
    const paths = {
      '/books': {
        get: whisk('getBooks', { url: 'https://elsewhere/api/v1/web/_/default/getBooks.json' }),
        POST: whisk('add', { namespace: 'other', package: 'tools' }),
        parameters: [],
        'x-own': 1,
      },
    };
    expect(parse(document(paths))).toEqual({
      basePath: '/club',
      title: 'Books',
      cors: undefined,
      paths: [
        {
          segments: [{ literal: 'books' }],
          operations: [
            {
              verb: 'get',
              backend: {
                action: ref('getBooks'),
                extension: 'json',
                passesPath: false,
                verb: undefined,
                secret: undefined,
              },
            },
            {
              verb: 'post',
              backend: {
                action: { namespace: 'other', package: 'tools', name: 'add' },
                extension: 'http',
                passesPath: true,
                verb: undefined,
                secret: undefined,
              },
            },
          ],
        },
      ],
    });
  });

  test('of OpenAPI 3, with its base path in its server', () => {
    const { basePath: _, swagger: __, ...rest } = document({ '/books': { get: whisk('getBooks') } });
    const parsed = (servers?: JsonValue) =>
      parse({ ...rest, openapi: '3.1.0', ...(servers ? { servers } : {}) });
    expect(parsed().basePath).toBe('/');
    expect(parsed([{ url: 'https://x/v1/books/' }]).basePath).toBe('/v1/books');
    expect(parsed([{ url: '/v2' }]).basePath).toBe('/v2');
  });

  test('of OpenWhisk’s gateway: its configuration precedes x-openwhisk', () => {
    const step = (url: string, verb: string, secret?: JsonValue) => ({
      operations: ['a'],
      execute: [
        { invoke: { 'target-url': url, verb } },
        ...(secret === undefined
          ? []
          : [
              {
                'set-variable': { actions: [{ set: 'message.headers.X-Require-Whisk-Auth', value: secret }] },
              },
            ]),
      ],
    });
    const backend = (url: string, verb: string, secret?: JsonValue) =>
      parse(
        document(
          { '/books': { get: { operationId: 'a', ...whisk('other') } } },
          {
            'x-ibm-configuration': {
              assembly: { execute: [{ 'operation-switch': { case: [step(url, verb, secret)] } }] },
              cors: { enabled: false },
            },
          },
        ),
      );
    const url = 'https://h:1/x/api/v1/web/guest/default/my%20action.http$(request.path)';
    expect(backend(url, 'keep', 9_007_199_254_740_991)).toMatchObject({
      cors: false,
      paths: [
        {
          operations: [
            {
              backend: {
                action: ref('my action'),
                extension: 'http',
                passesPath: true,
                verb: undefined,
                secret: '9007199254740991',
              },
            },
          ],
        },
      ],
    });
    const text = 'http://h/api/v1/web/guest/tools/a.text';
    expect(backend(text, 'POST', true)).toMatchObject({
      paths: [
        {
          operations: [
            { backend: { extension: 'text', passesPath: false, verb: 'post', secret: undefined } },
          ],
        },
      ],
    });
    for (const bad of ['http://evil/x', 'http://h/api/v1/web/a/b', 'http://h/api/v1/web/a/b/c/d', '%', '']) {
      expect(() => backend(bad, 'keep')).toThrow(invalid('is not the URL of a web action'));
    }
    expect(() => backend('http://h/api/v1/web/guest/default/%ff', 'keep')).toThrow(
      invalid('percent-encoded'),
    );
    expect(() => backend('http://h/api/v1/web/guest/default/a%2Fb', 'keep')).toThrow();
    expect(() => backend(text, 'TRACE')).toThrow(invalid('is not a method'));
  });

  test.each<[string, JsonObject, string]>([
    ['no version', { info: { title: 'x' }, paths: {} }, 'neither'],
    ['an old version', document({}, { swagger: '1.2' }), "malformed at 'swagger'"],
    ['no info', { swagger: '2.0', paths: {} }, "malformed at 'info'"],
    ['paths that are a list', document([]), "malformed at 'paths'"],
    ['a long title', document({}, { info: { title: 'x'.repeat(300) } }), 'info.title'],
    ['a base path with parameters', document({}, { basePath: '/a/{b}' }), 'cannot have parameters'],
    ['a base path without a slash', document({}, { basePath: 'a' }), "must begin with '/'"],
    ['a base path with ..', document({}, { basePath: '/a/../b' }), 'cannot be a path of a URL'],
    ['a path with ..', document({ '/a/..': {} }), 'cannot be a path of a URL'],
    ['a path without a slash', document({ __proto__x: {} }), "must begin with '/'"],
    ['__proto__ as a path', document(JSON.parse('{"__proto__": {"get": {}}}')), "must begin with '/'"],
    ['an empty segment', document({ '/a//b': {} }), 'cannot be a path of a URL'],
    ['a query in a path', document({ '/a?b': {} }), 'cannot be a path of a URL'],
    ['a line break in a path', document({ '/a\r\nb': {} }), 'cannot be a path of a URL'],
    ['a long path', document({ [`/${'x'.repeat(2000)}`]: {} }), 'is too long'],
    ['a deep path', document({ ['/x'.repeat(40)]: {} }), 'is too deep'],
    ['a path that is not an object', document({ '/a': 'x' }), 'is not an object'],
    ['a reference', document({ '/a': { $ref: 'http://x' } }), 'is a reference'],
    ['a parameter within a segment', document({ '/a{b}': {} }), 'not a whole segment'],
    ['a parameter that is a pattern', document({ '/{a:.*}': {} }), 'not a whole segment'],
    ['a parameter of the platform', document({ '/{__ow_user}': {} }), 'not a whole segment'],
    ['a parameter twice', document({ '/{a}/{a}': {} }), 'a parameter twice'],
    ['two paths that are the same', document({ '/{a}/x': {}, '/{b}/x': {} }), 'match the same requests'],
    ['a path with and without a slash', document({ '/a': {}, '/a/': {} }), 'match the same requests'],
    ['a method twice', document({ '/a': { get: whisk('a'), GET: whisk('b') } }), 'a method twice'],
    ['an operation that is not an object', document({ '/a': { get: 'x' } }), "GET '/a' is malformed"],
    [
      'protection at the top',
      document({}, { securityDefinitions: { k: { type: 'apiKey' } } }),
      'not supported',
    ],
    [
      'protection of an operation',
      document({ '/a': { get: { ...whisk('a'), security: [{ k: [] }] } } }),
      'not supported',
    ],
    ['a rate limit', document({}, { 'x-ibm-rate-limit': [{ rate: 1 }] }), 'not supported'],
    [
      'a parameter of an answer that is not HTTP',
      document({ '/{id}': { get: whisk('a', { url: 'http://h/api/v1/web/_/default/a.json' }) } }),
      "must use a response type of '.http'",
    ],
    [
      'a parameter that is not declared',
      document({ '/{id}': { get: { ...whisk('a'), parameters: [{ name: 'other' }] } } }),
      "The parameter 'id' defined in path '/{id}' does not match any",
    ],
  ])('with %s is refused', (_name, value, text) => {
    expect(() => parse(value)).toThrow(invalid(text));
  });

  test('with too many operations is refused', () => {
    const paths = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, n) => [`/p${n}`, { get: whisk('a') }]));
    expect(parse(document(paths(apiLimits.operations))).paths).toHaveLength(apiLimits.operations);
    expect(() => parse(document(paths(apiLimits.operations + 1)))).toThrow(invalid('can have at most'));
  });

  test('with an impossible name of an action is refused', () => {
    expect(() => parse(document({ '/a': { get: whisk('../x') } }))).toThrow(
      expect.objectContaining({ code: 'NAME_INVALID' }),
    );
  });
});

describe('an added operation', () => {
  const base = emptyDocument('/club', 'Book Club');

  test('has the form that OpenWhisk’s gateway reads', () => {
    expect(withOperation(base, added({ action: ref('getBooks', 'tools'), secret: 5 }))).toEqual({
      swagger: '2.0',
      info: { title: 'Book Club', version: '1.0.0' },
      basePath: '/club',
      paths: {
        '/books': {
          get: {
            operationId: 'getBooks',
            'x-openwhisk': {
              url: 'http://ward:3233/api/v1/web/guest/tools/getBooks.json',
              namespace: 'guest',
              package: 'tools',
              action: 'getBooks',
            },
            responses: { default: { description: 'Default response' } },
          },
        },
      },
      'x-ibm-configuration': {
        assembly: {
          execute: [
            {
              'operation-switch': {
                case: [
                  {
                    operations: ['getBooks'],
                    execute: [
                      {
                        invoke: {
                          'target-url': 'http://ward:3233/api/v1/web/guest/tools/getBooks.json',
                          verb: 'keep',
                        },
                      },
                      {
                        'set-variable': {
                          actions: [{ set: 'message.headers.X-Require-Whisk-Auth', value: 5 }],
                        },
                      },
                    ],
                  },
                ],
              },
            },
          ],
        },
        cors: { enabled: true },
      },
    });
  });

  test('can be read back, with its secret and the path that it passes', () => {
    const parameters = [{ name: 'isbn', in: 'path', required: true, type: 'string' }];
    const changed = withOperation(
      base,
      added({ path: '/books/{isbn}', extension: 'http', secret: 's', parameters }),
    );
    expect(parse(changed)).toMatchObject({
      cors: true,
      paths: [
        {
          segments: [{ literal: 'books' }, { parameter: 'isbn' }],
          operations: [{ verb: 'get', backend: { passesPath: true, secret: 's', extension: 'http' } }],
        },
      ],
    });
  });

  test('replaces one with the same path and method, including its secret', () => {
    const once = withOperation(base, added({ secret: 's' }));
    const twice = withOperation(once, added({ action: ref('other') }));
    const thrice = withOperation(twice, added({ verb: 'post' }));
    expect(parse(thrice).paths[0]?.operations).toMatchObject([
      { verb: 'get', backend: { action: ref('other'), secret: undefined } },
      { verb: 'post', backend: { action: ref('getBooks') } },
    ]);
    expect(JSON.stringify(thrice)).not.toContain('X-Require-Whisk-Auth');
  });

  test('gets its own id where two paths would have the same one', () => {
    const names = ['/a.b', '/a/b', '/a+b'];
    const changed = names.reduce(
      (each, path, n) => withOperation(each, added({ path, action: ref(`action${n}`) })),
      base,
    );
    const found = parse(changed).paths.map(({ operations }) => operations[0]?.backend?.action.name);
    expect(found).toEqual(['action0', 'action1', 'action2']);
  });

  test('can join a document from elsewhere', () => {
    const foreign = document({ '/a': { get: whisk('a') } });
    const changed = withOperation(foreign, added());
    expect(parse(changed).paths).toHaveLength(2);
  });

  test('can be removed, with its path if that has no other', () => {
    const both = withOperation(withOperation(base, added()), added({ verb: 'post', secret: 's' }));
    const one = withoutOperation(both, '/books', 'post');
    expect(parse(one).paths[0]?.operations).toHaveLength(1);
    expect(JSON.stringify(one)).not.toContain('X-Require-Whisk-Auth');
    expect(parse(withoutOperation(one, '/books', 'get')).paths).toEqual([]);
    expect(parse(withoutOperation(both, '/books', undefined)).paths).toEqual([]);
    expect(() => withoutOperation(both, '/other', undefined)).toThrow(
      invalid("path '/other' does not exist in the API"),
    );
    expect(() => withoutOperation(both, '/books', 'put')).toThrow(
      invalid("path '/books' with operation 'put' does not exist in the API"),
    );
    expect(() => withoutOperation(both, '__proto__', undefined)).toThrow(invalid('does not exist'));
  });
});

describe('a route', () => {
  const routes = (...templates: (readonly [path: string, ...verbs: string[]])[]) => {
    const paths = templates.map(([path, ...verbs]) => {
      const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => ({ name }));
      return [path, Object.fromEntries(verbs.map((verb) => [verb, { ...whisk('a'), parameters: names }]))];
    });
    return compileRoutes(parse(document(Object.fromEntries(paths))));
  };
  const split = (path: string) => path.split('/').slice(1);

  test.each([
    ['/books', {}],
    ['/books/new', {}],
    ['/books/1', { id: '1' }],
    ['/books/1/pages', { id: '1' }],
    ['/books/new/pages', { id: 'new' }],
    ['/x/y', { a: 'x', b: 'y' }],
    ['/books/__proto__', { id: '__proto__' }],
  ])('%s: a literal is tried first, and a parameter if that fails', (path, parameters) => {
    const find = routes(
      ['/books', 'get'],
      ['/books/new', 'get'],
      ['/books/{id}', 'get'],
      ['/books/{id}/pages', 'get'],
      ['/{a}/{b}', 'get'],
    );
    expect(find(split(path), 'get')).toMatchObject({ kind: 'operation', parameters });
  });

  test.each(['/', '/books/', '/books/1/2', '/books/1/pages/2', '/Books', '/.*'])(
    '%s does not match',
    (path) => {
      const find = routes(['/books', 'get'], ['/books/{id}', 'get'], ['/books/{id}/pages', 'get']);
      expect(find(split(path), 'get')).toEqual({ kind: 'none' });
    },
  );

  test('that exists with other methods names them', () => {
    const find = routes(['/a/{id}', 'get', 'put'], ['/a/b', 'post']);
    expect(find(['a', 'b'], 'delete')).toEqual({ kind: 'verbs', verbs: ['post', 'get', 'put'] });
    expect(find(['a', 'b'], 'get')).toMatchObject({ kind: 'operation', parameters: { id: 'b' } });
  });

  test('is searched in a tree as deep as the paths, not as the request', () => {
    const halves = ['a', '{p}'];
    const all = halves.flatMap((x) => halves.flatMap((y) => halves.map((z) => `/${x}/${y}/${z}/end`)));
    const names = (path: string) =>
      path
        .split('/')
        .map((each, n) => each.replace('p', `p${n}`))
        .join('/');
    const find = routes(...all.map((path) => [names(path), 'get'] as const));
    expect(find(['a', 'b', 'a', 'end'], 'get')).toMatchObject({ parameters: { p2: 'b' } });
    expect(find(['a', 'a', 'a', 'other'], 'get')).toEqual({ kind: 'none' });
    expect(
      find(
        Array.from({ length: 100_000 }, () => 'a'),
        'get',
      ),
    ).toEqual({ kind: 'none' });
  });
});
