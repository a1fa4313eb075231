/** Shows the differences from OpenWhisk in docs/api.md that no other test of this room shows. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { basic, hello, startApi, type TestApi } from './api.fixture.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startApi();
  await api.call('PUT', 'packages/p', { body: {} });
});
afterAll(() => api[Symbol.asyncDispose]());

test('there is no default key: OpenWhisk’s does not work, and each first key is new', async () => {
  const stock = `23bc46b1-71f6-4ed5-8c54-816aa4f8c502:123zO3xZCLrMN6v2BKK1dXYFpXlPkccOFqm12CdAsMgRU4VrNZ9lyGVCGuMDGIwP`;
  const headers = { authorization: basic(stock) };
  expect((await api.app.inject({ url: '/api/v1/namespaces', headers })).statusCode).toBe(401);
  await using other = await startApi();
  expect(other.key).not.toBe(api.key);
});

test.each(['/invokers', '/invokers/healthy/count', '/invokers/ready', '/activation', '/activation/count'])(
  'administrative routes do not exist: %s',
  async (url) => {
    expect((await api.app.inject({ url, headers: { authorization: basic(api.key) } })).statusCode).toBe(404);
  },
);

test('packages are not refreshed', async () => {
  expect(await api.call('POST', 'packages/p', { body: {} })).toMatchObject({ status: 405 });
});

test.each(['swift:5.3', 'dotnet:3.1'])('the kind %s does not exist', async (kind) => {
  const { status, body } = await api.call('PUT', 'actions/a', { body: { exec: { ...hello.exec, kind } } });
  expect({ status, body }).toMatchObject({
    status: 400,
    body: { error: expect.stringContaining(`The specified runtime '${kind}' is not supported`) },
  });
});
