/** More event streams than one namespace may have, over real connections. */
import { once } from 'node:events';
import { type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { newOperatorLogin } from '../functions/index.ts';
import { basic, startApi, type TestApi, type TestApiOptions } from './api.fixture.ts';

interface Opened {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  /** Undefined for a stream, which has no end. */
  readonly text: string | undefined;
  leave(): void;
}

const streams = '/ward/v1/namespaces/_/activations/stream';
const own = { 'x-ward-console': '1', 'sec-fetch-site': 'same-origin' };

async function serve(options: TestApiOptions) {
  const api: TestApi = await startApi(options);
  const url = await api.app.listen({ host: '127.0.0.1', port: 0 });
  const other = await api.functions.namespaces.create('other');
  const opened: Opened[] = [];
  /** Each over a connection of its own. */
  const open = async (path: string, headers: Record<string, string> = {}): Promise<Opened> => {
    const asked = request(`${url}${path}`, { headers, agent: false });
    asked.end();
    const [answer]: IncomingMessage[] = await once(asked, 'response');
    asked.on('error', () => {});
    const isStream = answer?.headers['content-type'] === 'text/event-stream';
    const text = isStream ? undefined : (await answer?.toArray())?.join('');
    const { statusCode: status, headers: heard = {} } = answer ?? {};
    const one = { status, headers: heard, text, leave: () => void asked.destroy() };
    opened.push(one);
    return one;
  };
  const statuses = async (count: number, path: string, headers: Record<string, string>) => {
    const all = await Promise.all(Array.from({ length: count }, () => open(path, headers)));
    return all.map(({ status }) => status).sort();
  };
  /** Returns the headers of a new session of an operator. */
  const enter = async () => {
    const { login } = await newOperatorLogin(api.store.sessions);
    const payload = { login };
    const answer = await api.app.inject({ method: 'POST', url: '/console/session', headers: own, payload });
    return { ...own, cookie: String(answer.headers['set-cookie']).split(';', 1)[0] ?? '' };
  };
  return {
    ...{ api, other, enter, port: Number(new URL(url).port), opened, open, statuses },
    async [Symbol.asyncDispose]() {
      for (const { leave } of opened) leave();
      await api[Symbol.asyncDispose]();
    },
  };
}

const times = (count: number, status: number) => Array.from({ length: count }, () => status);

test('one key opens as many streams as its namespace may have, and locks nobody out', async () => {
  await using server = await serve({ api: { connections: 10, streamsPerNamespace: 3 } });
  const { api, other, open, opened } = server;
  const authorization = basic(api.key);
  expect(await server.statuses(16, streams, { authorization })).toEqual([
    ...times(3, 200),
    ...times(13, 429),
  ]);
  // Another key of the namespace, and the log of a run, which need not exist.
  const further = await api.functions.namespaces.createKey('guest', { scope: 'read' });
  const refused = await open(`/api/v1/namespaces/_/activations/${'0'.repeat(32)}/stream`, {
    authorization: basic(further.key),
  });
  expect([refused.status, refused.headers['x-ward-fault']]).toEqual([429, 'STREAMS_EXCEEDED']);
  expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
  expect(JSON.parse(refused.text ?? '')).toMatchObject({ hint: expect.stringContaining('Close streams') });

  expect(await open('/ping')).toMatchObject({ status: 200, text: 'pong' });
  expect(await open('/api/v1/namespaces', { authorization })).toMatchObject({ status: 200 });
  expect(await open(streams, { authorization: basic(other) })).toMatchObject({ status: 200 });

  opened.find(({ status }) => status === 200)?.leave();
  await expect.poll(async () => (await open(streams, { authorization })).status).toBe(200);
  expect(await open(streams, { authorization })).toMatchObject({ status: 429 });
});

test('a stream that fails, or whose client leaves before it begins, keeps no place', async () => {
  await using server = await serve({ api: { streamsPerNamespace: 2 } });
  const authorization = basic(server.api.key);
  const missing = `/api/v1/namespaces/_/activations/${'0'.repeat(32)}/stream`;
  for (let n = 0; n < 6; n++)
    expect(await server.open(missing, { authorization })).toMatchObject({ status: 404 });
  for (let n = 0; n < 6; n++) {
    const socket = connect({ port: server.port, host: '127.0.0.1' });
    const asked = `GET ${streams} HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\n\r\n`;
    // Several in one connection, which wait for each other.
    socket.write(asked.repeat(3), () => socket.destroy());
    await once(socket, 'close');
  }
  // A place comes back when the server has noticed.
  const fill = async () => {
    const found = await server.statuses(2, streams, { authorization });
    for (const { leave } of server.opened) leave();
    return found;
  };
  await expect.poll(fill).toEqual([200, 200]);
});

test('operators have a number of streams together, which no namespace takes from them', async () => {
  await using server = await serve({ console: true, api: { streamsPerNamespace: 2 } });
  const { api, enter, open } = server;
  expect(await server.statuses(3, streams, { authorization: basic(api.key) })).toEqual([200, 200, 429]);
  const [ada, bob] = [await enter(), await enter()];
  expect(await open('/ward/v1/operator/stream', ada)).toMatchObject({ status: 200 });
  expect(await open('/ward/v1/operator/stream', bob)).toMatchObject({ status: 200 });
  const refused = await open('/ward/v1/operator/stream', ada);
  expect([refused.status, refused.headers['x-ward-fault']]).toEqual([429, 'STREAMS_EXCEEDED']);
  expect(await open('/ward/v1/operator/overview', ada)).toMatchObject({ status: 200 });
});

test('all namespaces together have half of the connections for streams, and operators and other requests the rest', async () => {
  await using server = await serve({ console: true, api: { connections: 8, streamsPerNamespace: 3 } });
  const { api, open, enter, opened } = server;
  const keys = [api.key, server.other, await api.functions.namespaces.create('third')];
  const found: (number | undefined)[] = [];
  for (const key of keys)
    for (let n = 0; n < 3; n++) found.push((await open(streams, { authorization: basic(key) })).status);
  expect(found).toEqual([...times(4, 200), ...times(5, 429)]);
  const third = { authorization: basic(keys[2] ?? '') };
  const refused = await open(streams, third);
  expect([refused.status, refused.headers['x-ward-fault']]).toEqual([429, 'STREAMS_EXCEEDED']);
  expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
  expect(JSON.parse(refused.text ?? '').error).toContain('All namespaces together have 4 event streams open');

  expect(await open('/ping')).toMatchObject({ status: 200, text: 'pong' });
  expect(await open('/api/v1/namespaces', third)).toMatchObject({ status: 200 });
  expect(await open('/ward/v1/operator/stream', await enter())).toMatchObject({ status: 200 });

  opened.find(({ status }) => status === 200)?.leave();
  await expect.poll(async () => (await open(streams, third)).status).toBe(200);
  expect(await open(streams, third)).toMatchObject({ status: 429 });
});

test('a stream gives its memory back once its head was sent, and once only', async () => {
  const reserved: number[] = [];
  const memory = {
    reserve(bytes: number) {
      reserved.push(bytes);
      return () => void reserved.push(-bytes);
    },
  };
  const sum = () => reserved.reduce((all, each) => all + each, 0);
  await using server = await serve({ memory, api: { streamsPerNamespace: 1 } });
  const authorization = basic(server.api.key);
  const stream = await server.open(streams, { authorization });
  expect([stream.status, reserved.length, sum()]).toEqual([200, 2, 0]);
  stream.leave();
  // When there is a place for the next, the first has ended.
  await expect.poll(async () => (await server.open(streams, { authorization })).status).toBe(200);
  expect(sum()).toBe(0);
});
