/** Usage by day: a key sees its own namespace, an operator all of them. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newOperatorLogin } from '../../functions/index.ts';
import { basic, hello, startApi, type TestApi } from '../api.fixture.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startApi({ console: true });
});
afterAll(() => api[Symbol.asyncDispose]());

const today = () => new Date().toISOString().slice(0, 10);
const read = (query = '', accept = 'application/json') =>
  api.call('GET', `/ward/v1/usage${query}`, { headers: { accept } });

test('a key reads the days of its own namespace, as JSON and as a table', async () => {
  expect((await read()).body).toEqual({ days: [] });
  await api.call('PUT', 'actions/hello', { body: hello });
  await api.call('POST', 'actions/hello?blocking=true');
  await api.call('POST', 'actions/hello?blocking=true');
  const other = await api.functions.namespaces.create('other');
  const headers = { authorization: basic(other) };
  const { body } = await api.call('GET', '/ward/v1/usage?namespace=guest', { headers });
  expect(body).toEqual({ days: [] });

  const days = [expect.objectContaining({ namespace: 'guest', calls: 2, coldStarts: 0 })];
  expect((await read()).body).toEqual({ days });
  expect((await read(`?since=${today()}&until=${today()}`)).body).toEqual({ days });
  expect((await read('?until=2020-01-01')).body).toEqual({ days: [] });
  const table = await read('', 'text/csv');
  expect(table.headers['content-type']).toBe('text/csv; charset=utf-8');
  expect(table.text.split('\r\n').slice(1)).toEqual([
    expect.stringMatching(new RegExp(`^${today()},guest,\\S+Z,2,0,\\d+,`)),
    '',
  ]);
  expect(await read('?since=yesterday')).toMatchObject({
    ...{ status: 400, body: { error: expect.stringContaining('2026-01-31') } },
  });

  await api.functions.namespaces.delete('guest');
  const own = { 'x-ward-console': '1', 'sec-fetch-site': 'same-origin' };
  const { login } = await newOperatorLogin(api.store.sessions);
  const begun = await api.app.inject({
    ...{ method: 'POST', url: '/console/session', headers: own, payload: { login } },
  });
  const cookie = String(begun.headers['set-cookie']).split(';')[0] ?? '';
  const asOperator = async (query: string) =>
    (await api.app.inject({ url: `/ward/v1/operator/usage${query}`, headers: { ...own, cookie } })).json();
  expect(await asOperator('')).toEqual({ days });
  expect(await asOperator('?namespace=other')).toEqual({ days: [] });
  expect((await api.app.inject('/ward/v1/operator/usage')).statusCode).toBe(401);
});
