/** `ward api`, against a stand-in for the API manager's web actions. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { action, actionsUrl, asked, startBench, stubKey } from '../cli.fixture.ts';

const bench = await startBench();
const { api, home, ward } = bench;
afterAll(() => bench[Symbol.asyncDispose]());
beforeEach(() => {
  api.requests.length = 0;
  api.answers.clear();
});

const managed = '/api/v1/web/whisk.system/apimgmt';
const who = `accesstoken=DUMMY+TOKEN&spaceguid=${stubKey.split(':')[0]}`;
const shop = {
  namespace: 'guest',
  gwApiUrl: 'http://ward.example.org/apis/guest/shop',
  gwApiActivated: true,
  apidoc: {
    basePath: '/shop',
    info: { title: 'the shop' },
    paths: {
      '/books': {
        get: {
          'x-openwhisk': {
            namespace: 'guest',
            package: 'default',
            action: 'list',
            url: 'http://x/list.json',
          },
        },
        post: {
          'x-openwhisk': { namespace: 'guest', package: 'pack', action: 'add', url: 'http://x/add.http' },
        },
        parameters: [],
      },
    },
  },
};

test('create sends the route, its action, and what the gateway needs to call it', async () => {
  api.answers.set(`GET ${actionsUrl}/pack/get`, {
    body: {
      ...action,
      annotations: [
        { key: 'web-export', value: true },
        { key: 'require-whisk-auth', value: 42 },
      ],
    },
  });
  const paths = {
    '/books/{id}': { get: { 'x-openwhisk': { namespace: 'guest', package: 'pack', action: 'get' } } },
  };
  api.answers.set(`POST ${managed}/createApi.http`, { body: { ...shop, apidoc: { ...shop.apidoc, paths } } });
  const { code, stdout, stderr } = await ward([
    ...[
      'api',
      'create',
      '/shop',
      '/books/{id}',
      'get',
      'pack/get',
      '-n',
      'the shop',
      '--response-type',
      'http',
    ],
  ]);
  expect({ code, stderr }).toEqual({
    code: 0,
    stderr: 'ok: created API /shop/books/{id} GET for action /guest/pack/get\n',
  });
  expect(stdout).toBe('http://ward.example.org/apis/guest/shop/books/{id}\n');
  expect(asked(api)).toEqual([
    `GET ${actionsUrl}/pack/get?code=false`,
    `POST ${managed}/createApi.http?${who}&responsetype=http`,
  ]);
  expect(api.requests[1]?.body).toEqual({
    apidoc: {
      namespace: '_',
      gatewayBasePath: '/shop',
      gatewayPath: '/books/{id}',
      gatewayMethod: 'GET',
      id: 'API:_:/shop',
      apiName: 'the shop',
      action: {
        name: 'pack/get',
        namespace: '_',
        backendMethod: 'GET',
        backendUrl: `${api.url}/api/v1/web/_/pack/get.http`,
        authkey: stubKey,
        secureKey: 42,
      },
      pathParameters: [
        { name: 'id', in: 'path', required: true, type: 'string', description: 'part of the path: id' },
      ],
    },
  });
});

test.each([
  ['a path parameter needs the response type http', ['/books/{id}', 'GET', 'hello'], '--response-type http'],
  ['a base path has no parameters', ['/{x}', '/books', 'GET', 'hello'], 'below it'],
  ['a path begins with a slash', ['books', 'GET', 'hello'], 'slash'],
  ['an unknown verb', ['/books', 'FETCH', 'hello'], 'PATCH'],
  ['half a route', ['/books', 'GET'], '[BASE_PATH] PATH VERB ACTION'],
  ['nothing at all', [], 'ward api create'],
  ['an action that is not a web action', ['/books', 'GET', 'hello'], '--web true'],
])('create refuses %s', async (_, words, hint) => {
  api.answers.set(`GET ${actionsUrl}/hello`, { body: action });
  const { code, stderr } = await ward(['api', 'create', ...words]);
  expect(code).toBe(2);
  expect(stderr).toContain(hint);
  expect(api.requests.filter(({ method }) => method === 'POST')).toEqual([]);
});

test('create from a document, JSON or YAML', async () => {
  api.answers.set(`POST ${managed}/createApi.http`, { body: shop });
  await writeFile(
    join(home.path, 'shop.yaml'),
    'swagger: "2.0"\nbasePath: /shop\npaths: {/books: {get: {}}}\n',
  );
  const { code, stdout } = await ward(['api', 'create', '--config-file', 'shop.yaml']);
  expect({ code, stdout: stdout.split('\n')[0] }).toEqual({ code: 0, stdout: `${shop.gwApiUrl}/books` });
  const document = JSON.stringify({ swagger: '2.0', basePath: '/shop', paths: { '/books': { get: {} } } });
  expect(api.requests[0]?.body).toEqual({ apidoc: { namespace: '_', swagger: document } });
  await writeFile(join(home.path, 'shop.json'), document);
  const warnings = ["The action '/guest/list' is not a web action."];
  api.answers.set(`POST ${managed}/createApi.http`, { body: { ...shop, warnings } });
  const warned = await ward(['api', 'create', '-c', 'shop.json']);
  expect(warned).toMatchObject({ code: 0, stderr: expect.stringContaining(`\nwarning: ${warnings[0]}\n`) });
  api.requests.splice(1);
  await ward(['api', 'create', '-c', 'shop.json']);
  expect(api.requests[1]?.body).toEqual(api.requests[0]?.body);
  for (const [name, text] of [
    ['none.json', '{}'],
    ['bad.json', '{'],
    ['bomb.yaml', 'a: &a [1]\npaths: *a\n'],
  ] as const) {
    await writeFile(join(home.path, name), text);
    expect((await ward(['api', 'create', '-c', name])).code).toBe(2);
  }
});

test('list has a line for each path and verb', async () => {
  api.answers.set(`GET ${managed}/getApi.http`, { body: { apis: [{ value: shop }] } });
  const { stdout } = await ward(['api', 'list']);
  expect(stdout.split('\n').map((line) => line.split(/ {2,}/))).toEqual([
    ['ACTION', 'VERB', 'API', 'URL'],
    ['/guest/list', 'GET', 'the shop', `${shop.gwApiUrl}/books`],
    ['/guest/pack/add', 'POST', 'the shop', `${shop.gwApiUrl}/books`],
    [''],
  ]);
  expect((await ward(['api', 'list', '/shop', '/books', 'post'])).stdout.trimEnd().split('\n')).toHaveLength(
    2,
  );
  expect((await ward(['api', 'list', '--full'])).stdout).toMatch(/BASE PATH +PATH\n/);
  expect(asked(api).slice(0, 2)).toEqual([
    `GET ${managed}/getApi.http?${who}&limit=30&skip=0`,
    `GET ${managed}/getApi.http?${who}&basepath=%2Fshop&relpath=%2Fbooks&operation=POST`,
  ]);
});

test('get shows the document, as YAML too; a missing API is not found', async () => {
  api.answers.set(`GET ${managed}/getApi.http`, { body: { apis: [{ value: shop }] } });
  expect(JSON.parse((await ward(['api', 'get', '/shop'])).stdout)).toEqual(shop.apidoc);
  expect(JSON.parse((await ward(['api', 'get', '/shop', '--full'])).stdout)).toEqual(shop);
  expect((await ward(['api', 'get', '/shop', '--format', 'yaml'])).stdout).toMatch(/^basePath: \/shop\n/);
  api.answers.set(`GET ${managed}/getApi.http`, { body: { apis: [] } });
  expect((await ward(['api', 'get', '/shop'])).code).toBe(5);
});

test('delete removes an API, a path or a verb; a plain-text error is shown', async () => {
  api.answers.set(`DELETE ${managed}/deleteApi.http`, { status: 204, text: '' });
  expect((await ward(['api', 'delete', '/shop'])).stderr).toBe('ok: deleted API /shop\n');
  expect((await ward(['api', 'delete', '/shop', '/books', 'get'])).stderr).toBe(
    'ok: deleted /books GET from API /shop\n',
  );
  expect(asked(api)[1]).toBe(
    `DELETE ${managed}/deleteApi.http?${who}&basepath=%2Fshop&relpath=%2Fbooks&operation=GET`,
  );
  const words = "API deletion failure: API '/shop' does not exist";
  const headers = { 'Content-Type': 'text/plain' };
  api.answers.set(`DELETE ${managed}/deleteApi.http`, { status: 404, headers, text: words });
  const gone = await ward(['api', 'delete', '/shop']);
  expect(gone.code).toBe(5);
  expect(gone.stderr).toContain(`error[NOT_FOUND]: ${words}`);
});
