import { expect, test } from 'vitest';
import { completion, hello, startApi } from './api.fixture.ts';

test('logs are searched by text, action and time, and only one’s own', async () => {
  await using api = await startApi();
  api.script = () =>
    completion({}, { log: Promise.resolve(['t stdout: a fine line', 't stderr: <b>refused</b>']) });
  await api.call('PUT', 'actions/a', { body: hello });
  await api.call('POST', 'actions/a?blocking=true');
  const root = '/ward/v1/namespaces';
  const search = (query: string, namespace = '_') => api.call('GET', `${root}/${namespace}/logs${query}`);
  const refused = { activationId: expect.any(String), action: 'a', line: 't stderr: <b>refused</b>' };
  await expect
    .poll(async () => (await search('?text=refused&name=a&since=1')).body)
    .toEqual({ lines: [refused], cut: 0, next: null });
  expect((await search('', 'guest')).body).toMatchObject({
    lines: [{ line: 't stdout: a fine line' }, refused],
  });
  expect((await search('?limit=1')).body).toMatchObject({ next: null });
  expect((await search('?upto=1')).body).toMatchObject({ lines: [] });
  expect((await search('?text=.*')).body).toMatchObject({ lines: [] });
  expect((await search('?limit=100000')).status).toBe(400);
  expect((await search(`?text=${'x'.repeat(1001)}`)).status).toBe(400);
  expect((await search('?since=yesterday')).status).toBe(400);
  expect((await search('', 'other')).status).toBe(403);
});
