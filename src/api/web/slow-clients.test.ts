/** Clients of web actions that send too slowly, on the whole server. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hello, startApi, type TestApi } from '../api.fixture.ts';

let api: TestApi;
let port: number;

beforeAll(async () => {
  api = await startApi({ api: { headTimeoutMs: 100, requestTimeoutMs: 200, sweepMs: 50 } });
  const url = await api.app.listen({ host: '127.0.0.1', port: 0 });
  port = Number(new URL(url).port);
  const annotations = [{ key: 'web-export', value: true }];
  await api.call('PUT', 'actions/echo', { body: { ...hello, annotations } });
});
afterAll(() => api[Symbol.asyncDispose]());

test.each([
  ['a head without end', 'GET /api/v1/web/guest/default/echo HTTP/1.1\r\nHost: x\r\nX-Slow: '],
  ['a body', 'POST /api/v1/web/guest/default/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nx'],
  [
    'a body of a GET',
    'GET /api/v1/web/guest/default/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nx',
  ],
  ['a chunk', 'PUT /apis/guest/a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nx'],
])('%s that never ends is cut off', async (_name, said) => {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.write(said);
  expect(await text(socket)).toMatch(/^(?:HTTP\/1\.1 40[48] |$)/);
  expect(api.jobs).toEqual([]);
});

test.each([
  ['a head', 'GET /api/v1/web/guest/default/echo HTTP/1.1\r\nHost: x', '\r\n\r\n'],
  [
    'a body',
    'POST /api/v1/web/guest/default/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n',
    '123456789',
  ],
])('%s that comes whole after it was refused runs nothing', async (_name, said, rest) => {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true }).on('error', () => {});
  socket.write(said);
  const [answer] = await once(socket, 'data');
  expect(String(answer)).toMatch(/^HTTP\/1\.1 408 /);
  socket.write(rest);
  // A call that began would be here by the time another one is.
  await fetch(`http://127.0.0.1:${port}/api/v1/web/guest/default/echo`);
  expect(api.jobs).toHaveLength(1);
  api.jobs.length = 0;
  socket.destroy();
});

test('both paths are open without a key, and those beside them are not', async () => {
  const statusOf = async (path: string) => (await fetch(`http://127.0.0.1:${port}${path}`)).status;
  expect(await statusOf('/api/v1/web/guest/default/echo')).toBe(204);
  expect(await statusOf('/apis/guest/a')).toBe(404);
  expect(await statusOf('/api/v1/web/guest/default/absent')).toBe(404);
  expect(await statusOf('/api/v1/namespaces/guest/actions')).toBe(401);
});
