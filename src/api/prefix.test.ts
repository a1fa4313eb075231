/** Ward below a prefix of a host that has pages of others. A proxy takes the prefix off, so no request here has it. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseNamespaceName } from '../functions/index.ts';
import { basic, completion, hello, startApi, type TestApi } from './api.fixture.ts';

const prefix = '/tools/ward';
const page = '/api/v1/web/guest/default/page.http';

let api: TestApi;
let plain: TestApi;
beforeAll(async () => {
  api = await startApi({ prefix });
  plain = await startApi();
  for (const each of [api, plain]) {
    const annotations = [
      { key: 'web-export', value: true },
      { key: 'raw-http', value: false },
    ];
    await each.call('PUT', 'actions/page', { body: { ...hello, annotations } });
    each.script = ({ parameters }) => {
      const { __ow_headers: seen } = parameters as { __ow_headers: Record<string, string> };
      const headers = { 'set-cookie': ['mine=1; Path=/', 'other=2'], 'x-mine': 'yes' };
      return completion({ headers, body: JSON.stringify(seen) });
    };
  }
});
beforeAll(async () => {
  const operation = { get: { 'x-openwhisk': { namespace: 'guest', action: 'page' } } };
  const document = { swagger: '2.0', info: { title: 'a' }, basePath: '/a', paths: { '/b': operation } };
  await api.functions.apis.put(parseNamespaceName('guest'), '/a', () => document);
});
afterAll(async () => {
  await api?.[Symbol.asyncDispose]();
  await plain?.[Symbol.asyncDispose]();
});

const headers = { cookie: 'other=1; shop=2', 'x-asked': 'so' };

test.each([
  ['', page],
  [' behind the gateway', '/apis/guest/a/b'],
])(
  'an action%s sees no cookie of other pages, sets none, and its page has an origin of its own',
  async (_, url) => {
    const answer = await api.app.inject({ url, headers });
    expect(answer.json()).toMatchObject({ 'x-asked': 'so' });
    expect(answer.json()).not.toHaveProperty('cookie');
    expect(answer.headers).toMatchObject({ 'x-mine': 'yes' });
    expect(answer.headers).not.toHaveProperty('set-cookie');
    expect(answer.headers['content-security-policy']).toMatch(/^sandbox (?!.*allow-same-origin)/);
  },
);

test('on a host of its own, it has cookies', async () => {
  const alone = await plain.app.inject({ url: page, headers });
  expect(alone.json()).toMatchObject({ cookie: 'other=1; shop=2' });
  expect(alone.headers['set-cookie']).toEqual(['mine=1; Path=/', 'other=2']);
});

test('references lead back below the prefix', async () => {
  const browser = (path: string, location: unknown) =>
    new URL(String(location), `http://example.com${prefix}${path}`).pathname;
  for (const docs of ['/api/v1/docs', '/api/v1/docs/']) {
    const { headers } = await api.app.inject(docs);
    expect(browser(docs, headers.location)).toBe(`${prefix}/api/v1/api-docs`);
  }
  expect((await api.app.inject('/api/v1/api-docs')).json().basePath).toBe(`${prefix}/api/v1`);
  for (const name of ['page', 'inside/page']) {
    if (name !== 'page') await api.call('PUT', 'packages/inside', { body: {} });
    await api.call('PUT', `actions/${name}`, { body: hello });
    const url = `/api/v1/namespaces/_/actions/${name}`;
    const begun = await api.app.inject({ method: 'POST', url, headers: { authorization: basic(api.key) } });
    expect(begun.statusCode).toBe(202);
    const stream = `${prefix}/api/v1/namespaces/_/activations/${begun.json().activationId}/stream`;
    expect(browser(url, begun.headers.location)).toBe(stream);
  }
});
