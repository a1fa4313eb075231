/** Event streams whose key or session ends while they are open, over real connections. */
import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { LiveLog } from '../dispatch/index.ts';
import { newOperatorLogin } from '../functions/index.ts';
import { basic, hello, startApi, type TestApi } from './api.fixture.ts';

const own = { 'x-ward-console': '1', 'sec-fetch-site': 'same-origin' };
const records = '/ward/v1/namespaces/_/activations/stream';
const ended = { error: expect.stringContaining('has ended'), fault: 'AUTHENTICATION_INVALID' };
const soon = { timeout: 1000, interval: 10 };

interface Opened {
  readonly status: number | undefined;
  /** What was read so far, event by event. */
  readonly events: readonly [event: string, data: unknown][];
  /** Whether the answer is complete, or was cut. */
  readonly end: 'open' | 'complete' | 'cut';
}

async function serve() {
  const api: TestApi = await startApi({ console: true });
  const url = await api.app.listen({ host: '127.0.0.1', port: 0 });
  const clients: ClientRequest[] = [];
  const ask = async (path: string, headers: Record<string, string>): Promise<IncomingMessage> => {
    const asked = request(`${url}${path}`, { headers, agent: false });
    asked.on('error', () => {});
    clients.push(asked);
    asked.end();
    const [answer] = await once(asked, 'response');
    return answer;
  };
  const open = async (path: string, headers: Record<string, string>): Promise<Opened> => {
    const answer = await ask(path, headers);
    const opened = {
      status: answer.statusCode,
      events: [] as [string, unknown][],
      end: 'open' as Opened['end'],
    };
    let text = '';
    answer.setEncoding('utf8').on('data', (piece: string) => {
      const blocks = (text + piece).split('\n\n');
      text = blocks.pop() ?? '';
      for (const block of blocks) {
        const [, event, data] = /^event: (.*)\ndata: (.*)$/m.exec(block) ?? [];
        if (event !== undefined) opened.events.push([event, JSON.parse(data ?? '')]);
      }
    });
    answer.on('error', () => {});
    answer.on('close', () => {
      opened.end = answer.complete ? 'complete' : 'cut';
    });
    return opened;
  };
  const enter = async (payload: object) => {
    const answer = await api.app.inject({ method: 'POST', url: '/console/session', headers: own, payload });
    return { ...own, cookie: String(answer.headers['set-cookie']).split(';', 1)[0] ?? '' };
  };
  const leave = (headers: Record<string, string>) =>
    api.app.inject({ method: 'DELETE', url: '/console/session', headers });
  return {
    ...{ api, ask, open, enter, leave },
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.destroy();
      await api[Symbol.asyncDispose]();
    },
  };
}

type Server = Awaited<ReturnType<typeof serve>>;

/** A run that writes nothing more, and does not end. */
async function startRun({ api }: Server): Promise<string> {
  await api.call('PUT', 'actions/hello', { body: hello });
  api.script = () => new Promise(() => {});
  api.live = (_, signal) => {
    const log = new LiveLog(() => {}, signal);
    log.add('begun');
    return log;
  };
  const { body } = await api.call('POST', 'actions/hello');
  return `/api/v1/namespaces/_/activations/${Object(body).activationId}/stream`;
}

test('a key that is deleted ends its streams with a last event, and opens none again', async () => {
  await using server = await serve();
  const { api, open } = server;
  const run = await startRun(server);
  const { key, keyId } = await api.functions.namespaces.createKey('guest', { scope: 'read' });
  const authorization = basic(key);
  const [list, log] = [await open(records, { authorization }), await open(run, { authorization })];
  const stays = await open(run, { authorization: basic(api.key) });
  const begun = ['log', expect.stringContaining('begun')];
  await expect.poll(() => [log.events, stays.events]).toEqual([[begun], [begun]]);
  const answer = await api.call('DELETE', `/ward/v1/keys/${keyId}`);
  expect(answer.status).toBe(204);
  await expect.poll(() => [list.end, log.end], soon).toEqual(['complete', 'complete']);
  expect(list.events.at(-1)).toEqual(['refused', ended]);
  // It does not say that the run has ended.
  expect(log.events).toEqual([begun, ['refused', ended]]);
  for (const path of [records, run]) expect((await open(path, { authorization })).status).toBe(401);
  expect(stays).toMatchObject({ end: 'open', events: [begun] });
});

test('a session that ends does so with its streams, of a key and of an operator', async () => {
  await using server = await serve();
  const { api, open, enter, leave } = server;
  const { login } = await newOperatorLogin(api.store.sessions);
  const [mine, others, operator] = [
    await enter({ key: api.key }),
    await enter({ key: api.key }),
    await enter({ login }),
  ];
  const [one, stays] = [await open(records, mine), await open(records, others)];
  const two = await open('/ward/v1/operator/stream', operator);
  await leave(mine);
  await leave(operator);
  await expect.poll(() => [one.end, two.end], soon).toEqual(['complete', 'complete']);
  for (const { events } of [one, two]) expect(events.at(-1)).toEqual(['refused', ended]);
  expect((await open(records, mine)).status).toBe(401);
  expect((await open('/ward/v1/operator/stream', operator)).status).toBe(401);
  expect(stays.end).toBe('open');
});

test('a key that expires ends its streams', async () => {
  await using server = await serve();
  const { api, open } = server;
  const expiresAt = Date.now() + 1000;
  const { key } = await api.functions.namespaces.createKey('guest', { scope: 'read', expiresAt });
  const stream = await open(records, { authorization: basic(key) });
  expect(stream.status).toBe(200);
  await expect.poll(() => stream.end, { timeout: 2000, interval: 10 }).toBe('complete');
  expect(stream.events.at(-1)).toEqual(['refused', ended]);
  expect(Date.now()).toBeGreaterThanOrEqual(expiresAt);
});

test('a client that does not read loses its connection, and what Ward still had for it', async () => {
  await using server = await serve();
  const { api, ask } = server;
  const path = await startRun(server);
  api.live = (_, signal) => endless(signal);
  const { key, keyId } = await api.functions.namespaces.createKey('guest', { scope: 'read' });
  const answer = await ask(path, { authorization: basic(key) });
  const { socket } = answer;
  answer.on('error', () => {});
  const connections = () => promisify(api.app.server.getConnections.bind(api.app.server))();
  expect(await connections()).toBe(1);
  await api.functions.namespaces.deleteKey('guest', keyId);
  await expect.poll(connections, soon).toBe(0);
  // What the kernel had of it, but not the end.
  answer.resume();
  await once(socket, 'close');
  expect(answer.complete).toBe(false);
});

async function* endless(signal?: AbortSignal) {
  while (signal?.aborted !== true) yield { skipped: 0, lines: ['x'.repeat(60_000)] };
}
