/** Requests of a sandbox to the API, on connections from its port. */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { IncomingMessage, ServerResponse } from 'node:http';
import { connect, createServer, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { silentLog } from '../lib/index.ts';
import { basic, hello, startApi, type TestApi } from './api.fixture.ts';
import { createApi } from './api.ts';
import {
  createPace,
  createTurns,
  defaultEntranceLimits,
  type EntranceLimits,
  openSandboxEntrance,
} from './sandbox-entrance.ts';

const limits: EntranceLimits = {
  ...defaultEntranceLimits,
  headBytes: 16_384,
  headTimeoutMs: 10_000,
  idleTimeoutMs: 60_000,
};

let api: TestApi;
let other: string;
let dir: string;
const opened = new AsyncDisposableStack();
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ward-entrance-'));
  api = opened.use(await startApi());
  await api.app.ready();
  other = await api.functions.namespaces.create('other');
  await api.call('PUT', 'actions/hello', { body: hello });
});
afterAll(async () => {
  await opened.disposeAsync();
  await rm(dir, { recursive: true });
});

let count = 0;
/** Opens the entrance for sandboxes of the namespace. */
async function openEntrance(changes: Partial<EntranceLimits> = {}, app = api.app, namespace = 'guest') {
  const enter = openSandboxEntrance(app, { ...limits, ...changes });
  const server = createServer({ pauseOnConnect: true }, (socket) => {
    socket.on('error', () => {});
    enter({ socket, namespace });
  });
  const path = join(dir, `entrance-${++count}`);
  server.listen(path);
  await once(server, 'listening');
  opened.defer(() => void server.close());
  return {
    async connect(): Promise<Socket> {
      const socket = connect(path);
      socket.on('error', () => {});
      await once(socket, 'connect');
      return socket;
    },
    /** Returns everything that is received until the other side hangs up. */
    async talk(text: string): Promise<string> {
      const socket = await this.connect();
      let heard = '';
      socket.on('data', (chunk) => {
        heard += chunk;
      });
      socket.write(text);
      await once(socket, 'close');
      return heard;
    },
    async ask(method: string, target: string, key?: string, headers = ''): Promise<string> {
      const authorization = key === undefined ? '' : `Authorization: ${basic(key)}\r\n`;
      return this.talk(`${method} ${target} HTTP/1.1\r\nHost: x\r\n${authorization}${headers}\r\n`);
    },
  };
}

/** 0 if nothing was received. */
const statusOf = (answer: string) => Number(/^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1] ?? 0);

describe('a sandbox’s entrance to the API', () => {
  test('is open to keys of its own namespace, and to no others', async () => {
    const entrance = await openEntrance();
    const target = '/api/v1/namespaces/_/actions';
    expect(statusOf(await entrance.ask('GET', target, api.key))).toBe(200);
    expect(statusOf(await entrance.ask('GET', target))).toBe(401);
    expect(statusOf(await entrance.ask('GET', target, `${api.key}x`))).toBe(401);
    const refused = await entrance.ask('GET', target, other);
    expect(statusOf(refused)).toBe(403);
    expect(refused).toMatch(/^x-ward-fault: KEY_FOREIGN\r$/im);
    expect(refused).toContain(
      "A sandbox of the namespace 'guest' reaches the API with keys of that namespace only.",
    );
  });

  test('leaves a key with fewer rights unchanged', async () => {
    const entrance = await openEntrance();
    const { key } = await api.functions.namespaces.createKey('guest', { scope: 'invoke' });
    expect(statusOf(await entrance.ask('GET', '/api/v1/namespaces/_/actions', key))).toBe(403);
    expect(
      statusOf(
        await entrance.ask('POST', '/api/v1/namespaces/_/actions/hello', key, 'Content-Length: 0\r\n'),
      ),
    ).toBe(202);
  });

  test('leads to nothing else: other routes are 404, and every open route requires a key', async () => {
    const routes: { method: string; url: string }[] = [];
    const app = createApi({
      functions: api.functions,
      build: { build: '', buildno: '' },
      log: silentLog,
      metrics: { contentType: 'text/plain', token: undefined, text: async () => 'figures' },
      onRoute: (route) => routes.push(route),
    });
    await app.ready();
    const entrance = await openEntrance({ perSecond: 1e6 }, app);
    const inside = routes.filter(
      ({ method, url }) => url.startsWith('/api/v1/namespaces') && method !== 'OPTIONS',
    );
    expect(inside.length).toBeGreaterThan(30);
    expect(routes.length - inside.length).toBeGreaterThan(20);
    for (const { method, url } of routes) {
      const target = url.replaceAll(/:\w+(?:\([^)]*\))?|\*/g, 'x');
      const isInside = inside.some((route) => route.method === method && route.url === url);
      const answer = await entrance.ask(method, target, isInside ? undefined : api.key);
      expect(`${method} ${url} ${statusOf(answer)}`).toBe(`${method} ${url} ${isInside ? 401 : 404}`);
    }
    await app.close();
  });

  test.each([
    '/api/v1/namespaces/../../../ward/v1/namespaces/_/activations/x/input',
    '/api/v1/namespaces/%2e%2e/%2e%2e/%2e%2e/metrics',
    '/api/v1/namespaces/..%2f..%2f..%2fmetrics',
    '/api/v1/namespaces/_/../../../../v2/',
    '//ward/v1/namespaces/_/activations/x/input',
    '/api/v1/namespaces//../web/guest/default/hello',
    '/API/V1/NAMESPACES/_/actions',
    'http://x/metrics',
    'http://x/api/v1/namespaces/_/../../../../metrics',
    '*',
    'x:80',
    '/ward/v1/namespaces/_/../../../../api/v1/namespaces',
    '/metrics?/api/v1/namespaces',
    '/metrics#/api/v1/namespaces',
    '/api/v1/web/guest/default/hello.json',
  ])('cannot be bypassed with a path: %s', async (target) => {
    const entrance = await openEntrance();
    for (const method of ['GET', 'OPTIONS', 'CONNECT', 'TRACE', 'PATCH']) {
      const answer = await entrance.ask(method, target, api.key, 'X-Forwarded-For: 127.0.0.1\r\n');
      // CONNECT gets no answer at all.
      expect([0, 400, 404]).toContain(statusOf(answer));
    }
  });

  test('is recognisable in the access log, whatever its headers say', async () => {
    const lines: Record<string, unknown>[] = [];
    const app = createApi({
      functions: api.functions,
      build: { build: '', buildno: '' },
      log: pino({ base: null }, { write: (line: string) => void lines.push(JSON.parse(line)) }),
      accessLog: true,
      trustedProxies: ['127.0.0.1'],
    });
    await app.ready();
    const entrance = await openEntrance({}, app);
    const forwarded = 'X-Forwarded-For: 203.0.113.7, 127.0.0.1\r\n';
    await entrance.ask('GET', '/api/v1/namespaces', api.key, forwarded);
    await entrance.ask('GET', '/metrics', api.key, forwarded);
    const seen = { msg: 'request', address: 'sandbox' };
    expect(lines).toMatchObject([
      { ...seen, path: '/api/v1/namespaces', namespace: 'guest', status: 200 },
      { ...seen, path: '/metrics', status: 404 },
    ]);
    await app.close();
  });

  test('takes one request per connection and ignores one that is hidden behind it', async () => {
    const entrance = await openEntrance();
    const before = api.jobs.length;
    const request = `POST /api/v1/namespaces/_/actions/hello?blocking=true HTTP/1.1\r\nHost: x\r\nAuthorization: ${basic(api.key)}\r\nConnection: keep-alive\r\n`;
    const plain = `${request}Content-Length: 0\r\n\r\n`;
    const answer = await entrance.talk(plain + plain + plain);
    expect(statusOf(answer)).toBe(200);
    expect(answer).toMatch(/^connection: close\r$/im);
    expect(api.jobs.length - before).toBe(1);
    const doubtful = [
      `${request}Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${plain}`,
      `${request}Content-Length: 0\r\nContent-Length: 5\r\n\r\n${plain}`,
      `${request}Transfer-Encoding: chunked, identity\r\n\r\n${plain}`,
      `${request}Transfer-Encoding : chunked\r\n\r\n${plain}`,
    ];
    for (const text of doubtful) expect(statusOf(await entrance.talk(text))).toBe(400);
    expect(api.jobs.length - before).toBe(1);
  });

  test('stays HTTP, even if another protocol is requested', async () => {
    const entrance = await openEntrance();
    const upgrade = 'Connection: Upgrade\r\nUpgrade: websocket\r\n';
    const answer = await entrance.ask('GET', '/api/v1/namespaces', api.key, upgrade);
    expect([200, 400]).toContain(statusOf(answer));
    expect(statusOf(await entrance.talk('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'))).toBe(400);
    expect(statusOf(await entrance.talk(`GET / HTTP/1.1\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`))).toBe(431);
  });

  test('a silent or slow client is cut off', async () => {
    const entrance = await openEntrance({ headTimeoutMs: 100 });
    expect(await entrance.talk('')).toBe('');
    expect(await entrance.talk('GET / HTTP/1.1\r\nHost: x\r\n')).toBe('');
  });

  test('unread answers make other requests of the namespace wait, but no call', async () => {
    const entrance = await openEntrance({ reading: 1 });
    const code = 'x'.repeat(2 * 1024 * 1024);
    await api.call('PUT', 'actions/large', { body: { exec: { kind: 'nodejs:default', code } } });
    const head = (method: string, path: string) =>
      `${method} /api/v1/namespaces/_/${path} HTTP/1.1\r\nHost: x\r\nAuthorization: ${basic(api.key)}\r\nContent-Length: 0\r\n\r\n`;
    const lazy = await entrance.connect();
    lazy.pause();
    lazy.write(head('GET', 'actions/large'));
    await once(lazy, 'readable');
    let isAnswered = false;
    const waiting = entrance.talk(head('GET', 'actions')).then((answer) => {
      isAnswered = true;
      return statusOf(answer);
    });
    expect(statusOf(await entrance.talk(head('POST', 'actions/hello?blocking=true')))).toBe(200);
    expect(isAnswered).toBe(false);
    lazy.destroy();
    expect(await waiting).toBe(200);
  });

  test('keeps nothing of clients that hung up while they waited', async () => {
    const turns = createTurns(1);
    const response = () => new ServerResponse(new IncomingMessage(new Socket()));
    turns.take('guest', response(), () => {});
    const gone = Array.from({ length: 10 }, () => {
      const waiting = response();
      turns.take('guest', waiting, () => {});
      waiting.emit('close');
      return new WeakRef(waiting);
    });
    await nextTurn();
    setFlagsFromString('--expose-gc');
    runInNewContext('gc')();
    expect(gone.filter((each) => each.deref() !== undefined)).toEqual([]);
  });

  test('a namespace has one large upload at a time', async () => {
    const entrance = await openEntrance();
    const head = `PUT /api/v1/namespaces/_/actions/up HTTP/1.1\r\nHost: x\r\nAuthorization: ${basic(api.key)}\r\nContent-Type: application/json\r\n`;
    const announced = await entrance.connect();
    announced.write(`${head}Content-Length: 40000000\r\n\r\n{`);
    let isAnswered = false;
    const code = 'x'.repeat(2 * 1024 * 1024);
    const body = JSON.stringify({ exec: { kind: 'nodejs:default', code } });
    const waiting = entrance.talk(`${head}Content-Length: ${body.length}\r\n\r\n${body}`).then((answer) => {
      isAnswered = true;
      return statusOf(answer);
    });
    const small = JSON.stringify(hello);
    expect(statusOf(await entrance.talk(`${head}Content-Length: ${small.length}\r\n\r\n${small}`))).toBe(200);
    expect(isAnswered).toBe(false);
    announced.destroy();
    expect([200, 409]).toContain(await waiting);
  });

  test('each namespace has its turns, in order of arrival', () => {
    const pace = createPace({ perSecond: 10, burst: 3 });
    expect([0, 0, 0, 0].map((now) => pace('a', now))).toEqual([0, 0, 0, 100]);
    expect(pace('a', 50)).toBe(150);
    expect(pace('b', 50)).toBe(0);
    expect(pace('a', 10_000)).toBe(0);
  });
});
