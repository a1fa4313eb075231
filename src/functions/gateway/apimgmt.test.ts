/** The API manager on a real store, called like clients of OpenWhisk call it. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Fault, isJsonObject, type JsonObject, type JsonValue } from '../../lib/index.ts';
import { parseEntityName, parseNamespaceName } from '../entities/names.ts';
import { createParameterReads } from '../entities/parameter-reads.ts';
import type { Identity } from '../namespaces/namespaces.ts';
import { type Platform, startPlatform } from '../platform.fixture.ts';
import { apiLimits } from './api-document-types.ts';
import { createApiManager } from './apimgmt.ts';
import { answerWith } from './apimgmt-answers.ts';
import { type ApiService, createApis } from './apis.ts';

let platform: Platform;
let apis: ApiService;
let other: Identity;

const guest = parseNamespaceName('guest');

beforeAll(async () => {
  platform = await startPlatform();
  const { namespaces } = platform.functions;
  const key = await namespaces.create('other');
  other = await namespaces.authenticate(`Basic ${Buffer.from(key).toString('base64')}`);
  await deploy('hello', true);
  await deploy('private', false);
});
afterAll(() => platform[Symbol.asyncDispose]());
beforeEach(async () => {
  apis = createApis(platform.store.apis);
  for (const { basePath } of await platform.store.apis.list('guest')) await apis.delete(guest, basePath);
});

async function deploy(name: string, isWeb: boolean): Promise<void> {
  await platform.functions.actions.put(
    { namespace: guest, package: undefined, name: parseEntityName(name) },
    {
      exec: { kind: 'nodejs:default', code: 'function main() { return {} }' },
      annotations: [{ key: 'web-export', value: isWeb }],
    },
    true,
    platform.guest,
  );
}

function call(name: string, args: JsonObject, identity: Identity = platform.guest): Promise<JsonObject> {
  const actions = createApiManager({
    apis,
    actions: platform.functions.actions,
    apiHost: () => 'http://ward:1',
    parameterReads: createParameterReads(platform.store.unsealed),
  });
  const action = actions.find(({ path }) => path === `apimgmt/${name}`);
  if (action === undefined) throw new Error(name);
  return action.run(args, { identity, authorization: undefined, transactionId: 'tid' });
}

/** As wsk and the npm client send it. */
const operation = (more: JsonObject = {}, action: JsonObject = {}): JsonObject => ({
  apidoc: {
    namespace: '_',
    gatewayBasePath: '/club',
    gatewayPath: '/books',
    gatewayMethod: 'GET',
    id: 'API:_:/club',
    action: {
      name: 'hello',
      namespace: '_',
      backendMethod: 'GET',
      backendUrl: 'http://ward:1/api/v1/web/_/default/hello.http',
      authkey: 'a:b',
      ...action,
    },
    ...more,
  },
});
const swagger = (paths: JsonValue, basePath = '/club'): JsonObject => ({
  apidoc: { namespace: '_', swagger: { swagger: '2.0', info: { title: 'Books' }, basePath, paths } },
});
const whisk = (action: string, namespace = '_') => ({ 'x-openwhisk': { namespace, package: '', action } });
const web = { __ow_method: 'post', __ow_user: 'victim' };

const pathsOf = async () =>
  (await apis.list(guest)).map(({ basePath, document }) => [basePath, document['paths']]);

describe('createApi', () => {
  test('adds operations one by one', async () => {
    const first = await call('createApi', { ...operation({ apiName: 'Book Club' }), responsetype: 'http' });
    expect(first).toMatchObject({
      gwApiUrl: 'http://ward:1/apis/guest/club',
      gwApiActivated: true,
      namespace: 'guest',
      apidoc: {
        basePath: '/club',
        info: { title: 'Book Club' },
        paths: { '/books': { get: { 'x-openwhisk': { namespace: 'guest', package: '', action: 'hello' } } } },
      },
    });
    await call('createApi', operation({ gatewayMethod: 'post' }));
    await call('createApi', operation({ gatewayBasePath: 'Book Club', gatewayPath: '/pages' }));
    await call('createApi', operation({ gatewayBasePath: '/', gatewayPath: '/' }));
    expect(await pathsOf()).toMatchObject([
      ['/', { '/': { get: {} } }],
      ['/club', { '/books': { get: {}, post: {} }, '/pages': { get: {} } }],
    ]);
    const url = (await call('getApi', { basepath: '/' }))['apis'];
    expect(url).toMatchObject([{ value: { gwApiUrl: 'http://ward:1/apis/guest/' } }]);
  });

  test('keeps all of many concurrent operations', async () => {
    const verbs = ['GET', 'PUT', 'POST', 'DELETE'];
    const all = await Promise.all(verbs.map((verb) => call('createApi', operation({ gatewayMethod: verb }))));
    expect(all.filter((each) => each['error'] !== undefined)).toEqual([]);
    expect(await pathsOf()).toMatchObject([
      ['/club', { '/books': { get: {}, put: {}, post: {}, delete: {} } }],
    ]);
  });

  test('replaces the API by a whole document, also given as text', async () => {
    await call('createApi', operation());
    await call('createApi', swagger({ '/a': { get: whisk('hello') } }));
    expect(await pathsOf()).toEqual([['/club', { '/a': { get: whisk('hello') } }]]);
    const text = JSON.stringify({
      openapi: '3.0.0',
      info: { title: 'x' },
      servers: [{ url: '/v3/' }],
      paths: { '/b': { get: whisk('hello') } },
    });
    expect(await call('createApi', { apidoc: { namespace: '_', swagger: text } })).toMatchObject({
      gwApiUrl: 'http://ward:1/apis/guest/v3',
    });
  });

  test('over the web answers with HTTP, and the key determines the owner', async () => {
    expect(await call('createApi', { ...operation(), ...web })).toMatchObject({
      statusCode: 200,
      headers: { 'Content-Type': 'application/json' },
      body: { gwApiUrl: 'http://ward:1/apis/guest/club' },
    });
    const failed = await call('createApi', { ...operation({ gatewayPath: 'x' }), ...web });
    expect(failed).toEqual({
      error: {
        statusCode: 502,
        headers: { 'Content-Type': 'application/json' },
        body: { error: "API creation failure: The path 'x' must begin with '/'." },
      },
    });
    expect(await apis.list(parseNamespaceName('victim'))).toEqual([]);
  });

  test.each<[JsonObject, string]>([
    [{}, 'apidoc is required.'],
    [{ apidoc: '{' }, 'apidoc field cannot be parsed. Ensure it is valid JSON.'],
    [{ apidoc: '['.repeat(1000) }, 'apidoc field cannot be parsed. Ensure it is valid JSON.'],
    [{ apidoc: 5 }, 'apidoc field is of type number and should be a JSON object or a JSON string.'],
    [{ apidoc: {} }, 'apidoc is missing the namespace field'],
    [{ apidoc: { namespace: '_' } }, 'apidoc is missing the gatewayBasePath field'],
    [operation({ gatewayPath: null }), 'apidoc is missing the gatewayPath field'],
    [operation({ gatewayMethod: '' }), 'apidoc is missing the gatewayMethod field'],
    [operation({ action: null }), 'apidoc is missing the action field.'],
    [operation({}, { name: null }), 'action is missing the name field.'],
    [operation({}, { authkey: null }), 'action is missing the authkey field.'],
    [
      operation({ swagger: {} }),
      'swagger and gatewayBasePath are mutually exclusive and cannot be specified together.',
    ],
    [{ apidoc: { namespace: '_', swagger: {} } }, 'swagger is missing the basePath field.'],
    [
      { apidoc: { namespace: '_', swagger: { basePath: '/', paths: {} } } },
      'swagger is missing the info field.',
    ],
    [operation({ gatewayMethod: 'TRACE' }), "'TRACE' is not a valid API verb."],
    [
      { ...operation(), responsetype: 'xml' },
      "'xml' is not a response type. Valid values are: http, json, html, svg, text",
    ],
    [operation({}, { name: '../x' }), 'The name of the entity contains illegal characters.'],
    [operation({}, { name: '/a/b/c/d' }), "'/a/b/c/d' is not the name of an action."],
    [operation({ gatewayBasePath: 'Nobody' }), "API creation failure: API 'Nobody' does not exist."],
    [
      operation({ gatewayBasePath: '/{a}' }),
      'API creation failure: The base path (/{a}) cannot have parameters. Only the relative path supports path parameters.',
    ],
    [
      operation({ gatewayPath: '/{a}' }),
      "API creation failure: The action must use a response type of '.http' in order to receive the path parameters.",
    ],
  ])('%.80j is refused as in OpenWhisk', async (args, text) => {
    expect(await call('createApi', args)).toEqual({ error: text });
    expect(await apis.list(guest)).toEqual([]);
  });

  test.each<[JsonObject, readonly string[] | undefined]>([
    [operation(), undefined],
    [operation({}, { name: 'private' }), ["The action '/guest/private' is not a web action"]],
    [operation({}, { name: 'absent' }), ["The action '/guest/absent' does not exist"]],
    [
      swagger({ '/a': { get: whisk('hello', 'other') } }),
      ["The action '/other/hello' does not exist, or is not yours"],
    ],
    [swagger({ '/': { get: {}, put: { operationId: '', responses: {} } } }), undefined],
  ])('%.120j is accepted as in OpenWhisk, with warnings %j', async (args, warnings) => {
    const answer = await call('createApi', args);
    expect(answer).toMatchObject({ gwApiActivated: true });
    expect(answer['warnings']).toEqual(warnings?.map((text) => expect.stringContaining(text)));
    expect(await apis.list(guest)).toHaveLength(1);
  });

  test('warnings are bounded', async () => {
    const paths = Object.fromEntries(
      Array.from({ length: 100 }, (_, n) => [`/${n}`, { get: whisk(`absent${n}`) }]),
    );
    expect((await call('createApi', swagger(paths)))['warnings']).toHaveLength(20);
  });

  test('the size of a document is limited, and the total of a namespace’s', async () => {
    const large = (bytes: number, basePath: string) => {
      const { apidoc } = swagger(
        { '/a': { get: { ...whisk('hello'), description: 'x'.repeat(bytes) } } },
        basePath,
      );
      return call('createApi', { apidoc: apidoc ?? null });
    };
    expect(await large(apiLimits.documentBytes, '/a')).toEqual({
      error: expect.stringMatching(/^API creation failure: API larger than allowed: \d+ > 1048576 bytes\.$/),
    });
    const fits = apiLimits.documentBytes - 1000;
    expect(await large(fits, '/a')).not.toHaveProperty('error');
    expect(await large(fits, '/b')).not.toHaveProperty('error');
    expect(await large(fits, '/a')).not.toHaveProperty('error');
    expect(await large(fits, '/c')).toEqual({
      error: expect.stringContaining('APIs of the namespace larger'),
    });
    expect(await apis.list(guest)).toHaveLength(2);
  });
});

describe('getApi', () => {
  const names = async (args: JsonObject, identity?: Identity) => {
    const { apis: found } = await call('getApi', args, identity);
    return (Array.isArray(found) ? found : []).map((each: JsonValue) => {
      const value = isJsonObject(each) ? each['value'] : undefined;
      const doc = isJsonObject(value) ? value['apidoc'] : undefined;
      return isJsonObject(doc) ? doc['basePath'] : undefined;
    });
  };

  test('finds by base path, by name, a page, or all', async () => {
    for (const path of ['/a', '/b', '/c']) {
      await call('createApi', operation({ gatewayBasePath: path, apiName: `API ${path}` }));
    }
    const nothing = 'undefined';
    expect(await names({})).toEqual(['/a', '/b', '/c']);
    expect(await names({ basepath: nothing, relpath: nothing, limit: nothing })).toEqual(['/a', '/b', '/c']);
    expect(await names({ basepath: '/b' })).toEqual(['/b']);
    expect(await names({ basepath: '/b/' })).toEqual(['/b']);
    expect(await names({ basepath: 'API /c' })).toEqual(['/c']);
    expect(await names({ basepath: '/d' })).toEqual([]);
    expect(await names({ limit: '1', skip: '1' })).toEqual(['/b']);
    expect(await names({ limit: '0' })).toEqual(['/a', '/b', '/c']);
    expect(await names({}, other)).toEqual([]);
  });

  test('has an entry in the audit log for each API with the secret of a web action', async () => {
    const reads = async () =>
      (await platform.store.unsealed.read(1000)).flatMap(({ entry }) =>
        entry['event'] === 'read-api' ? [entry['name']] : [],
      );
    await call('createApi', operation({ gatewayBasePath: '/open' }));
    await call('createApi', operation({ gatewayBasePath: '/later' }, { secureKey: 8 }));
    for (const secureKey of [7, 9])
      await call('createApi', operation({ gatewayPath: `/p${secureKey}` }, { secureKey }));
    const row = await platform.store.apis.get('guest', '/later');
    if (row === undefined) throw new Error('no row');
    // As a later Ward may have written it.
    await platform.store.apis.put({ ...row, revision: 'r', document: { openapi: '4.0' } }, row.revision);
    expect(await names({ basepath: '/open' })).toEqual(['/open']);
    expect(await reads()).toEqual([]);
    expect(await names({ basepath: '/club' })).toEqual(['/club']);
    expect(await reads()).toEqual(['/guest/club']);
    expect(await names({})).toHaveLength(3);
    expect(await reads()).toEqual(['/guest/club', '/guest/club', '/guest/later']);
  });

  test('returns a document that createApi accepts', async () => {
    await call('createApi', { ...operation({}, { secureKey: 7 }), responsetype: 'http' });
    const before = await apis.list(guest);
    await call('deleteApi', { basepath: '/club' });
    expect(
      await call('createApi', { apidoc: { namespace: '_', swagger: before[0]?.document ?? null } }),
    ).toMatchObject({
      gwApiUrl: 'http://ward:1/apis/guest/club',
    });
    expect(await apis.list(guest)).toEqual(before);
  });
});

describe('deleteApi', () => {
  beforeEach(async () => {
    await call('createApi', operation({ apiName: 'Books' }));
    await call('createApi', operation({ gatewayMethod: 'POST' }));
    await call('createApi', operation({ gatewayPath: '/pages' }));
  });

  test('removes an operation, a path, and the API with its last path', async () => {
    expect(await call('deleteApi', { basepath: '/club', relpath: '/books', operation: 'POST' })).toEqual({});
    expect(await pathsOf()).toMatchObject([['/club', { '/books': { get: {} }, '/pages': {} }]]);
    await call('deleteApi', { basepath: 'Books', relpath: '/books' });
    expect(await pathsOf()).toMatchObject([['/club', { '/pages': {} }]]);
    await call('deleteApi', { basepath: '/club', relpath: '/pages', operation: 'get' });
    expect(await pathsOf()).toEqual([]);
  });

  test('removes the whole API', async () => {
    expect(await call('deleteApi', { basepath: '/club', force: 'true', ...web })).toMatchObject({
      statusCode: 200,
    });
    expect(await pathsOf()).toEqual([]);
  });

  test.each<[JsonObject, string]>([
    [{}, 'basepath is required.'],
    [{ basepath: '/club', operation: 'get' }, 'When specifying an operation, the path is required.'],
    [{ basepath: '/x' }, "API deletion failure: API '/x' does not exist."],
    [{ basepath: '/club', relpath: '/x' }, "API deletion failure: path '/x' does not exist in the API"],
    [
      { basepath: '/club', relpath: '/books', operation: 'PUT' },
      "API deletion failure: path '/books' with operation 'put' does not exist in the API",
    ],
  ])('%j is refused as in OpenWhisk', async (args, text) => {
    expect(await call('deleteApi', args)).toEqual({ error: text });
  });

  test('never touches another namespace’s API', async () => {
    expect(
      await call('deleteApi', { basepath: '/club', __ow_user: 'guest', namespace: 'guest' }, other),
    ).toEqual({
      error: "API deletion failure: API '/club' does not exist.",
    });
    expect(await apis.list(guest)).toHaveLength(1);
  });
});

describe('a key', () => {
  test.each([
    ['createApi', 'read'],
    ['createApi', 'invoke'],
    ['getApi', 'invoke'],
    ['deleteApi', 'read'],
  ] as const)('%s is refused for one of scope %s', async (name, scope) => {
    const identity: Identity = { ...platform.guest, scope };
    const text = "The supplied authentication is not authorized to access 'guest/apis'.";
    expect(await call(name, operation(), identity)).toEqual({ error: text });
    expect(await call(name, { ...operation(), ...web }, identity)).toMatchObject({
      error: { statusCode: 403, body: { error: text, code: 'tid' } },
    });
  });
});

describe('a route', () => {
  const route = async (path: string, verb: 'get' | 'put' = 'get') =>
    apis.route(guest, path.split('/').slice(1), verb);

  test('belongs to the API with the longest base path that has it', async () => {
    await deploy('root', true);
    const add = (base: string, path: string, name: string) =>
      call('createApi', operation({ gatewayBasePath: base, gatewayPath: path }, { name }));
    await add('/', '/club/x', 'root');
    await add('/club', '/x', 'hello');
    await add('/', '/club/y', 'root');
    expect(await route('/club/x')).toMatchObject({
      kind: 'operation',
      cors: true,
      operation: { backend: { action: { name: 'hello' } } },
    });
    expect(await route('/club/y')).toMatchObject({ operation: { backend: { action: { name: 'root' } } } });
    expect(await route('/clubs/x')).toEqual({ kind: 'none', cors: undefined });
    expect(await route('/club/x', 'put')).toEqual({ kind: 'verbs', verbs: ['get'], cors: true });
  });

  test('follows every change', async () => {
    expect(await route('/club/books')).toMatchObject({ kind: 'none' });
    await call('createApi', operation());
    expect(await route('/club/books')).toMatchObject({ kind: 'operation' });
    await call('deleteApi', { basepath: '/club' });
    expect(await route('/club/books')).toMatchObject({ kind: 'none' });
    await platform.store.apis.put(
      { namespace: guest, basePath: '/x', revision: 'r', updatedAt: 1, document: {} },
      null,
    );
    await expect(route('/x')).rejects.toMatchObject({ code: 'STORED_ENTITY_CORRUPT' });
  });
});

test.each([{}, { __ow_method: 'get' }])(
  'what was refused for want of the database does not say where that is',
  async (args) => {
    const away = new Fault('STORE_UNREACHABLE', 'busy', 'db.internal does not answer');
    const answer = JSON.stringify(await answerWith(args, 't', () => Promise.reject(away)));
    expect(answer).toContain('The server does not reach its database');
    expect(answer).not.toContain('internal');
  },
);
