/** APIs of the gateway over HTTP, on the real domain, created like clients of OpenWhisk create them. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { invokerBusy } from '../../dispatch/index.ts';
import { type ApiService, createApiManager, createApis, parseNamespaceName } from '../../functions/index.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../lib/index.ts';
import { basic, completion } from '../api.fixture.ts';
import { startWeb, type TestWeb } from '../web/web.fixture.ts';
import { addGateway } from './gateway.ts';

const cors = {
  'access-control-allow-origin': '*',
  'access-control-allow-methods': 'GET, POST, PUT, DELETE, PATCH, HEAD, OPTIONS',
};
const anError = (error: string) => ({ error, code: expect.stringMatching(/^[0-9a-f]{32}$/) });

let web: TestWeb;
let apis: ApiService;

beforeAll(async () => {
  web = await startWeb({
    limits: { invocationsPerMinute: 100_000, concurrentInvocations: 1000 },
    extend: (app, shared, api) => {
      apis = createApis(api.store.apis);
      addGateway(app, { web: shared, apis });
    },
  });
  for (const name of ['echo', 'other']) await web.deploy(name);
  await web.deploy('raw', { 'raw-http': true });
  await web.deploy('final', { final: true }, { parameters: [{ key: 'id', value: 'bound' }] });
  await web.deploy('secret', { 'require-whisk-auth': 'abc' });
  await web.deploy('keyed', { 'require-whisk-auth': true });
  await web.deploy('own', { 'web-custom-options': true });
});
afterAll(() => web[Symbol.asyncDispose]());
beforeEach(async () => {
  web.api.jobs.length = 0;
  web.api.script = (job) => completion({ body: { ...job.parameters } });
  const guest = parseNamespaceName('guest');
  for (const { basePath } of await apis.list(guest)) await apis.delete(guest, basePath);
});

async function manage(name: string, args: JsonObject): Promise<JsonObject> {
  const { actions, namespaces, parameterReads } = web.api.functions;
  const manager = createApiManager({ apis, actions, apiHost: () => 'http://ward', parameterReads });
  const authorization = basic(web.api.key);
  const identity = await namespaces.authenticate(authorization);
  const action = manager.find(({ path }) => path === `apimgmt/${name}`);
  const result = await action?.run(args, { identity, authorization, transactionId: 'tid' });
  if (result === undefined || result['error'] !== undefined) throw new Error(JSON.stringify(result));
  return result;
}

/** Adds one operation, as the npm client does. */
async function add(verb: string, path: string, action: string, more: JsonObject = {}): Promise<void> {
  const { secureKey, responsetype = 'http', base = '/club' } = more;
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => ({ name, in: 'path' }));
  await manage('createApi', {
    responsetype,
    apidoc: {
      namespace: '_',
      gatewayBasePath: base,
      gatewayPath: path,
      gatewayMethod: verb,
      ...(names.length === 0 ? {} : { pathParameters: names }),
      action: {
        name: action,
        namespace: '_',
        backendMethod: 'GET',
        backendUrl: 'http://ward/api/v1/web/_/default/x.http',
        authkey: 'a:b',
        ...(secureKey === undefined ? {} : { secureKey }),
      },
    },
  });
}

const document = (paths: JsonValue, more: JsonObject = {}) =>
  manage('createApi', {
    apidoc: {
      namespace: '_',
      swagger: { swagger: '2.0', info: { title: 'x' }, basePath: '/club', paths, ...more },
    },
  });

const lastArguments = (): JsonObject => {
  const parameters = web.api.jobs.at(-1)?.parameters;
  return isJsonObject(parameters) ? parameters : {};
};

describe('a request', () => {
  test('reaches the action of its operation completely', async () => {
    await add('POST', '/books/{isbn}', 'echo');
    const { status, headers, text } = await web.call('POST', '/apis/guest/club/books/1%2F2?a=b&isbn=query', {
      payload: '{"c":1,"isbn":"body"}',
      headers: { 'content-type': 'application/json', 'x-own': 'y' },
    });
    expect(status).toBe(200);
    expect(headers).toMatchObject({
      ...cors,
      'content-type': 'application/json',
      'x-openwhisk-activation-id': web.api.jobs[0]?.activationId,
    });
    expect(JSON.parse(text)).toMatchObject({
      a: 'b',
      c: 1,
      isbn: '1/2',
      __ow_method: 'post',
      __ow_path: '/club/books/1%2F2',
      __ow_headers: { 'x-own': 'y' },
    });
    expect(web.api.jobs[0]).toMatchObject({ namespace: 'guest', action: '/guest/echo' });
  });

  test('of another response type gets that type, and its action gets no path', async () => {
    await add('GET', '/text', 'echo', { responsetype: 'text' });
    const { headers } = await web.call('GET', '/apis/guest/club/text');
    expect(headers['content-type']).toBe('text/plain; charset=UTF-8');
    expect(lastArguments()['__ow_path']).toBe('');
  });

  test('may have a trailing slash', async () => {
    await add('GET', '/books', 'echo');
    expect((await web.call('GET', '/apis/guest/club/books/')).status).toBe(200);
    await add('GET', '/', 'other');
    expect((await web.call('GET', '/apis/guest/club')).status).toBe(200);
    expect((await web.call('GET', '/apis/guest/club/')).status).toBe(200);
    expect(web.api.jobs.map(({ action }) => action)).toEqual(['/guest/echo', '/guest/other', '/guest/other']);
  });

  test('a literal path precedes a parameter, and the longest base path precedes others', async () => {
    await add('GET', '/{id}', 'echo');
    await add('GET', '/new', 'other');
    await add('GET', '/{a}/{b}', 'raw', { base: '/' });
    const called = async (path: string) => {
      await web.call('GET', path);
      return web.api.jobs.at(-1)?.action;
    };
    expect(await called('/apis/guest/club/1')).toBe('/guest/echo');
    expect(await called('/apis/guest/club/new')).toBe('/guest/other');
    expect(await called('/apis/guest/x/y')).toBe('/guest/raw');
  });

  test('cannot set final parameters of the action, even by its path', async () => {
    await add('GET', '/{id}', 'final');
    expect((await web.call('GET', '/apis/guest/club/1')).status).toBe(200);
    expect(lastArguments()).toMatchObject({ id: 'bound', __ow_path: '/club/1' });
    expect((await web.call('GET', '/apis/guest/club/1?id=2')).status).toBe(400);
  });

  test('to a raw action stays unchanged', async () => {
    await add('PUT', '/{id}', 'raw');
    await web.call('PUT', '/apis/guest/club/1?a=%20', {
      payload: 'x',
      headers: { 'content-type': 'text/plain' },
    });
    expect(lastArguments()).toMatchObject({ __ow_query: 'a=%20', __ow_body: 'x', __ow_path: '/club/1' });
    expect(lastArguments()).not.toHaveProperty('id');
  });

  test('can be passed on with another method', async () => {
    const target = 'http://x/api/v1/web/_/default/echo.http';
    const invoke = { invoke: { 'target-url': target, verb: 'post' } };
    await document({ '/a': { get: {} } }, { 'x-ibm-configuration': { assembly: { execute: [invoke] } } });
    expect((await web.call('GET', '/apis/guest/club/a')).status).toBe(200);
    expect(lastArguments()).toMatchObject({ __ow_method: 'post' });
  });
});

describe('what does not exist', () => {
  test.each([
    '/apis/guest',
    '/apis/guest/',
    '/apis/guest/club/other',
    '/apis/guest/club/books/1/2',
    '/apis/guest/clubs/books',
    '/apis/nobody/club/books',
    '/apis/_/club/books',
    '/apis/%00/club/books',
    '/apis//club/books',
    '/apis/guest/club//books',
    '/apis/guest/__proto__/constructor',
  ])('%s → 404', async (path) => {
    await add('GET', '/books', 'echo');
    const { status, text } = await web.call('GET', path);
    expect(status).toBe(404);
    expect(JSON.parse(text)).toEqual(anError('The requested resource does not exist.'));
    expect(web.api.jobs).toEqual([]);
  });

  test('another method → 405 with the existing ones', async () => {
    await add('GET', '/books', 'echo');
    await add('PUT', '/books', 'echo');
    for (const method of ['POST', 'DELETE', 'PATCH']) {
      const { status, headers, text } = await web.call(method, '/apis/guest/club/books');
      expect(status).toBe(405);
      expect(headers).toMatchObject({ allow: 'GET, PUT', ...cors });
      expect(JSON.parse(text)).toEqual(anError('HTTP method not allowed, supported methods: GET, PUT'));
    }
    expect(web.api.jobs).toEqual([]);
  });

  test('an operation without an action', async () => {
    const verbs = ['put', 'delete', 'get', 'head', 'options', 'patch', 'post'];
    const operations = Object.fromEntries(verbs.map((verb) => [verb, { operationId: '', responses: {} }]));
    await document(
      { '/': operations, '/a': { get: {} } },
      { 'x-ibm-configuration': { assembly: { execute: [] }, cors: { enabled: true } } },
    );
    const { status, headers, text } = await web.call('GET', '/apis/guest/club/');
    expect({ status, headers }).toMatchObject({ status: 404, headers: cors });
    expect(JSON.parse(text)).toEqual(anError('The requested resource does not exist.'));
    expect((await web.call('OPTIONS', '/apis/guest/club/')).status).toBe(200);
    expect((await web.call('POST', '/apis/guest/club/a')).status).toBe(405);
    expect(web.api.jobs).toEqual([]);
  });

  test('an action that becomes a web action after its API was created', async () => {
    await add('GET', '/a', 'later');
    expect((await web.call('GET', '/apis/guest/club/a')).status).toBe(404);
    await web.deploy('later', { 'web-export': false });
    expect((await web.call('GET', '/apis/guest/club/a')).status).toBe(404);
    await web.deploy('later');
    expect((await web.call('GET', '/apis/guest/club/a')).status).toBe(200);
  });

  test('an action that was deleted or is no longer a web action', async () => {
    await web.deploy('gone');
    await add('GET', '/a', 'gone');
    await web.deploy('gone', { 'web-export': false });
    expect((await web.call('GET', '/apis/guest/club/a')).status).toBe(404);
    await web.api.call('DELETE', 'actions/gone');
    expect((await web.call('GET', '/apis/guest/club/a')).status).toBe(404);
  });
});

describe('access', () => {
  test('the gateway sends the action’s secret and ignores one from the client', async () => {
    await add('GET', '/a', 'secret', { secureKey: 'abc' });
    await add('GET', '/b', 'secret');
    const headers = { 'x-require-whisk-auth': 'wrong' };
    expect((await web.call('GET', '/apis/guest/club/a')).status).toBe(200);
    expect((await web.call('GET', '/apis/guest/club/a', { headers })).status).toBe(200);
    expect((await web.call('GET', '/apis/guest/club/b')).status).toBe(401);
    expect((await web.call('GET', '/api/v1/web/guest/default/secret')).status).toBe(401);
  });

  test('a key is required if the action requires one', async () => {
    await add('GET', '/a', 'keyed', { secureKey: true });
    expect((await web.call('GET', '/apis/guest/club/a')).status).toBe(401);
    expect((await web.call('GET', '/apis/guest/club/a', { key: web.api.key })).status).toBe(200);
  });

  test('the same limits count as at the action’s own URL', async () => {
    await using own = await startWeb({
      web: { perAddressAndAction: { perSecond: 0.1, burst: 2 } },
      extend: (app, shared) => addGateway(app, { web: shared, apis }),
    });
    await own.deploy('echo');
    await add('GET', '/a', 'echo');
    expect((await own.call('GET', '/api/v1/web/guest/default/echo.json')).status).toBe(200);
    expect((await own.call('GET', '/apis/guest/club/a')).status).toBe(204);
    const { status, headers } = await own.call('GET', '/apis/guest/club/a');
    expect(status).toBe(429);
    expect(headers).toMatchObject({ 'retry-after': '10', 'x-ward-fault': 'WEB_RATE_EXCEEDED', ...cors });
  });
});

test('a platform without room answers an API as it answers a call', async () => {
  await using own = await startWeb({ extend: (app, shared) => addGateway(app, { web: shared, apis }) });
  await own.deploy('echo');
  await add('GET', '/a', 'echo');
  own.api.script = () => Promise.reject(invokerBusy(700));
  const { status, headers, text } = await own.call('GET', '/apis/guest/club/a');
  expect(status).toBe(429);
  expect(headers).toMatchObject({ 'retry-after': '1', 'x-ward-fault': 'INVOKER_BUSY', ...cors });
  expect(text).toContain('System is overloaded, try again later.');
});

describe('CORS', () => {
  const origin = 'https://page.example';
  const asked = { origin, 'access-control-request-headers': 'x-own' };

  test('is open to every origin if the API enables it, and preflights are answered', async () => {
    await add('GET', '/a', 'own');
    const { status, headers } = await web.call('OPTIONS', '/apis/guest/club/a', { headers: asked });
    expect(status).toBe(200);
    expect(headers).toMatchObject({
      ...cors,
      'access-control-allow-origin': origin,
      'access-control-allow-headers': 'x-own',
    });
    expect(headers).not.toHaveProperty('access-control-allow-credentials');
    expect(web.api.jobs).toEqual([]);
    const answer = await web.call('GET', '/apis/guest/club/a', { headers: { origin } });
    expect(answer.headers).toMatchObject({ ...cors, 'access-control-allow-origin': origin });
    expect((await web.call('OPTIONS', '/apis/guest/club/b', { headers: asked })).status).toBe(404);
  });

  test('is off if the API disables it, whatever the action says', async () => {
    const whisk = { 'x-openwhisk': { namespace: '_', action: 'echo' } };
    await document({ '/a': { get: whisk } }, { 'x-ibm-configuration': { cors: { enabled: false } } });
    const { status, headers } = await web.call('GET', '/apis/guest/club/a');
    expect(status).toBe(200);
    expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
    expect((await web.call('OPTIONS', '/apis/guest/club/a', { headers: asked })).status).toBe(405);
  });

  test('is up to the action if the API says nothing', async () => {
    const whisk = (action: string) => ({ 'x-openwhisk': { namespace: '_', action } });
    await document({ '/a': { get: whisk('echo') }, '/b': { options: whisk('own') } });
    const { headers } = await web.call('GET', '/apis/guest/club/a', { headers: { origin } });
    expect(headers['access-control-allow-origin']).toBe('*');
    web.api.script = () => completion({ headers: { 'Access-Control-Allow-Origin': 'https://mine' } });
    const options = await web.call('OPTIONS', '/apis/guest/club/b', { headers: asked });
    expect(options).toMatchObject({
      status: 204,
      headers: { 'access-control-allow-origin': 'https://mine' },
    });
  });
});
