/** Compares the document with the existing routes and with their answers. */
import { Ajv } from 'ajv';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isJsonObject, type JsonObject, type JsonValue, silentLog } from '../../lib/index.ts';
import { basic, hello, startApi, type TestApi } from '../api.fixture.ts';
import { createApi } from '../api.ts';
import { apiDocument } from './api-docs.ts';
import { definitions } from './definitions.ts';
import { operations } from './operations.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startApi();
  await api.call('PUT', 'packages/p', { body: { parameters: [{ key: 'x', value: 1 }] } });
  for (const name of ['a', 'p/a']) await api.call('PUT', `actions/${name}`, { body: hello });
  await api.call('PUT', 'triggers/t', { body: {} });
  await api.call('PUT', 'rules/r', { body: { trigger: '/_/t', action: '/_/a' } });
  await api.call('POST', 'actions/a?blocking=true');
});
afterAll(() => api[Symbol.asyncDispose]());

const served = async () => (await api.app.inject('/api/v1/api-docs')).json();
const erased = (path: string) => path.replaceAll(/:\w+|\{\w+\}/g, '*');

test('is served without a key', async () => {
  for (const url of ['/api/v1/api-docs', '/api/v1/api-docs/']) {
    const { statusCode, headers } = await api.app.inject(url);
    expect([statusCode, headers['content-type']]).toEqual([200, expect.stringMatching(/^application\/json/)]);
    expect(headers['access-control-allow-origin']).toBe('*');
  }
  expect(await served()).toEqual(JSON.parse(JSON.stringify(apiDocument('1.2.3'))));
  expect(await served()).toMatchObject({ swagger: '2.0', basePath: '/api/v1', info: { version: '1.2.3' } });
  const page = await api.app.inject('/api/v1/docs');
  expect([page.statusCode, page.headers.location]).toEqual([308, '../../api/v1/api-docs']);
  const put = await api.app.inject({ method: 'PUT', url: '/api/v1/api-docs' });
  expect([put.statusCode, put.headers.allow]).toEqual([405, 'GET']);
});

test('has exactly the existing routes', async () => {
  const urls = new Set<string>();
  const app = createApi({
    functions: api.functions,
    build: { build: '', buildno: '' },
    log: silentLog,
    onRoute: ({ url }) => urls.add(url),
  });
  await app.ready();
  const allowed = new Map<string, string>();
  for (const url of [...urls]
    .filter((each) => /^\/api\/v1\/(?!(?:api-)?docs|web\/|\*)./.test(each))
    .toSorted()) {
    const path = url.slice('/api/v1'.length);
    const filled = url.replaceAll(/:\w+/g, '_');
    // No resource has this method, so the answer lists those that it has.
    const headers = { authorization: basic(api.key) };
    const answer = await app.inject({ method: 'PATCH', url: filled, headers });
    expect(answer.statusCode, url).toBe(405);
    const methods = String(answer.headers.allow);
    // The same route with a trailing slash.
    if (path.endsWith('/') && allowed.get(erased(path.slice(0, -1))) === methods) continue;
    allowed.set(erased(path), methods);
  }
  await app.close();
  // Always refused, with its own text.
  expect(allowed.delete('/namespaces/*/limits/*')).toBe(true);
  const documented = new Map<string, string[]>();
  for (const { path, method } of operations.filter((each) => !each.path.startsWith('/web/')))
    documented.set(erased(path), [...(documented.get(erased(path)) ?? []), method.toUpperCase()]);
  const sorted = (methods: readonly string[]) => methods.toSorted().join(', ');
  expect(Object.fromEntries([...documented].map(([path, methods]) => [path, sorted(methods)]))).toEqual(
    Object.fromEntries([...allowed].map(([path, methods]) => [path, sorted(methods.split(', '))])),
  );
});

test('is sound: ids are unique, path parameters are declared, and references resolve', async () => {
  const document = await served();
  const ids = operations.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  for (const [path, item] of Object.entries<{ parameters?: { name: string }[] }>(document.paths)) {
    const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    expect((item.parameters ?? []).map(({ name }) => name)).toEqual(names);
  }
  const text = JSON.stringify(document);
  const refs = [...text.matchAll(/"\$ref":"#\/(\w+)\/(\w+)"/g)];
  expect(refs.length).toBeGreaterThan(100);
  for (const [, section = '', name = ''] of refs) expect(document[section], name).toHaveProperty(name);
  // Clients of OpenWhisk look for these.
  for (const name of ['ActionMeta', 'ActionExecMeta', 'RuleMeta', 'TriggerMeta'])
    expect(text).toContain(`"#/definitions/${name}"`);
});

/** Allows only the fields that the document names. */
function closed(schema: JsonValue | undefined): JsonValue {
  if (Array.isArray(schema)) return schema.map(closed);
  if (!isJsonObject(schema)) return schema ?? null;
  const inner = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)]));
  return isJsonObject(schema['properties']) ? { ...inner, additionalProperties: false } : inner;
}

describe('answers match the document', () => {
  const idOf = async () => {
    const { body } = await api.call('GET', 'activations?limit=1');
    return Array.isArray(body) ? body[0].activationId : '';
  };
  test.each<[path: string, method?: 'GET' | 'PUT' | 'POST' | 'DELETE', body?: JsonObject]>([
    ['actions'],
    ['actions/a'],
    ['actions/a?code=false'],
    ['actions/p/'],
    ['actions/p/a'],
    ['actions/b', 'PUT', hello],
    ['actions/b', 'DELETE'],
    ['actions/a?blocking=true', 'POST', {}],
    ['actions/a', 'POST', {}],
    ['packages'],
    ['packages/p'],
    ['packages/q', 'PUT', { binding: { namespace: '_', name: 'p' } }],
    ['packages/q', 'DELETE'],
    ['triggers'],
    ['triggers/t'],
    ['triggers/t', 'POST', {}],
    ['rules'],
    ['rules/r'],
    ['rules/r', 'POST', { status: 'active' }],
    ['activations'],
    ['activations/ID'],
    ['activations/ID/result'],
    ['activations/ID/logs'],
    ['limits'],
    ['/api/v1/namespaces'],
    ['actions/none'],
  ])('%s %s', async (path, method = 'GET', body) => {
    const url = path.replace('ID', await idOf());
    const answer = await api.call(method, url, body === undefined ? {} : { body });
    const plain = url.replace(/\?.*/, '');
    const wanted = plain.startsWith('/') ? plain.slice('/api/v1'.length) : `/namespaces/_/${plain}`;
    const shape = (text: string) => new RegExp(`^${text.replaceAll(/\{\w+\}/g, '[^/]+')}$`);
    const operation = operations.find(
      (each) => each.method === method.toLowerCase() && shape(each.path).test(wanted),
    );
    const said = operation?.answers[answer.status];
    const schema = answer.status >= 400 ? { $ref: '#/definitions/ErrorMessage' } : said;
    expect(schema, `${method} ${url}: ${answer.status}`).toBeTypeOf('object');
    const whole = closed({ ...(isJsonObject(schema) ? schema : {}), definitions });
    const validate = new Ajv({ strict: false }).compile(isJsonObject(whole) ? whole : {});
    validate(answer.body);
    expect(validate.errors).toBeNull();
  });
});
