/** The API behind TLS, over both protocols. */
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect as connectHttp2,
  constants,
} from 'node:http2';
import { request as requestHttps } from 'node:https';
import { connect as connectTcp, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeAuthority, type TestAuthority } from '../../lib/key-pairs.fixture.ts';
import { basic, completion, hello, startApi, type TestApi } from '../api.fixture.ts';
import { tlsFrontOf } from '../http-app.ts';

let authority: TestAuthority;
let api: TestApi;
let port: number;

beforeAll(async () => {
  authority = await makeAuthority();
  api = await startApi({
    tls: { identity: { pairs: [await authority.issue()] }, hstsSeconds: 600 },
    api: {
      ...{ headTimeoutMs: 400, sweepMs: 50, requestTimeoutMs: 400 },
      ...{ connectionsPerAddress: 20, streamsPerNamespace: 4 },
    },
  });
  const url = await api.app.listen({ host: '127.0.0.1', port: 0 });
  port = Number(new URL(url).port);
  await api.call('PUT', 'actions/hello', {
    body: {
      ...hello,
      annotations: [
        { key: 'web-export', value: true },
        { key: 'raw-http', value: true },
      ],
    },
  });
});
afterAll(async () => {
  await api?.[Symbol.asyncDispose]();
  await authority?.[Symbol.asyncDispose]();
});

const web = '/api/v1/web/guest/default/hello.json';
const invoke = '/api/v1/namespaces/_/actions/hello?blocking=true&result=true';

function session(address = '127.0.0.1'): ClientHttp2Session {
  const socket = connectTls({
    ...{
      port,
      host: '127.0.0.1',
      localAddress: address,
      servername: '',
      ca: authority.cert,
      ALPNProtocols: ['h2'],
    },
    checkServerIdentity: () => undefined,
  });
  const client = connectHttp2(`https://127.0.0.1:${port}`, { createConnection: () => socket });
  client.on('error', () => {});
  return client;
}

interface Answer {
  readonly status: number | undefined;
  readonly headers: Record<string, unknown>;
  readonly body: string;
}

async function answerOf(stream: ClientHttp2Stream): Promise<Answer> {
  const [[headers], body] = await Promise.all([once(stream, 'response'), text(stream)]);
  return { status: headers[':status'], headers, body };
}

test('HTTP/2: the same answers as over HTTP/1.1', async () => {
  const client = session();
  const headers = { authorization: basic(api.key), 'content-type': 'application/json' };
  const post = client.request({ ':method': 'POST', ':path': invoke, ...headers, 'x-request-id': 'mine' });
  post.end('{"a":1}');
  const { status, headers: told, body } = await answerOf(post);
  expect({ status, body }).toEqual({ status: 200, body: '{"a":1}' });
  expect(told).toMatchObject({ 'x-request-id': 'mine', 'strict-transport-security': 'max-age=600' });
  expect(await answerOf(client.request({ ':path': '/ping' }))).toMatchObject({ status: 200, body: 'pong' });
  const wrong = await answerOf(
    client.request({ ':path': '/api/v1/namespaces', authorization: 'Basic eDp5' }),
  );
  expect(wrong.status).toBe(401);
  const large = client.request({ ':method': 'POST', ':path': invoke, ...headers });
  large.on('error', () => {});
  large.end(Buffer.alloc(3_000_000, ' '));
  expect((await answerOf(large)).status).toBe(413);
  client.close();
});

test('a web action sees a request of HTTP/2 as one of HTTP/1.1', async () => {
  const client = session();
  const stream = client.request({ ':method': 'POST', ':path': web, 'x-own': 'yes', cookie: 'a=1' });
  stream.end('some text');
  const { body } = await answerOf(stream);
  expect(JSON.parse(body)).toMatchObject({
    __ow_method: 'post',
    __ow_body: Buffer.from('some text').toString('base64'),
    __ow_headers: { host: `127.0.0.1:${port}`, 'x-own': 'yes', cookie: 'a=1' },
  });
  expect(body).not.toContain(':path');
  client.close();
});

test('an action’s headers that HTTP/2 does not have, or has once only, harm nobody', async () => {
  const { script } = api;
  api.script = async () =>
    completion({
      headers: {
        connection: 'close',
        'http2-settings': 'x',
        upgrade: 'h2c',
        etag: ['a', 'b'],
        'x-ok': 'yes',
      },
      body: 'fine',
    });
  const client = session();
  const { status, headers } = await answerOf(client.request({ ':path': web.replace('.json', '.http') }));
  expect({ status, ok: headers['x-ok'] }).toEqual({ status: 200, ok: 'yes' });
  expect(headers).not.toHaveProperty('connection');
  api.script = script;
  client.close();
});

test('a body that breaks off is not taken for a whole one', async () => {
  const before = api.jobs.length;
  const client = session();
  const stream = client.request({ ':method': 'POST', ':path': web });
  stream.on('error', () => {});
  stream.write('half');
  await new Promise((sent) => client.ping(sent));
  stream.close(constants.NGHTTP2_CANCEL);
  await once(stream, 'close');
  client.destroy();
  const cut = session();
  const other = cut.request({ ':method': 'POST', ':path': web });
  other.on('error', () => {});
  other.write('half');
  await new Promise((sent) => cut.ping(sent));
  cut.destroy();
  const after = session();
  expect((await answerOf(after.request({ ':path': web }))).status).toBe(200);
  expect(api.jobs.length).toBe(before + 1);
  after.close();
});

test('a body that takes too long is cut off, and the connection stays', async () => {
  const client = session();
  const stream = client.request({ ':method': 'POST', ':path': web });
  const closed = once(stream, 'close');
  stream.on('error', () => {});
  stream.write('slow');
  await closed;
  expect(stream.rstCode).toBe(constants.NGHTTP2_CANCEL);
  expect((await answerOf(client.request({ ':path': '/ping' }))).status).toBe(200);
  client.close();
});

test('each name gets its own certificate, and other names the first', async () => {
  const shown = async (servername: string) => {
    const socket = connectTls({ port, host: '127.0.0.1', servername, rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    const { subject } = socket.getPeerCertificate();
    socket.destroy();
    return subject.CN;
  };
  const [first, named, wild, again] = await Promise.all(
    [[], ['one.example'], ['*.wild.example'], ['one.example']].map((names) => authority.issue(names)),
  );
  if (!first || !named || !wild || !again) throw new Error('no certificates');
  const nameOf = ({ cert }: typeof first) => new X509Certificate(cert).subject.replace('CN=', '');
  tlsFrontOf(api.app)?.renew([first, named, wild, again]);
  expect(await shown('one.example')).toBe(nameOf(named));
  expect(await shown('ONE.example')).toBe(nameOf(named));
  expect(await shown('a.wild.example')).toBe(nameOf(wild));
  for (const other of ['', 'a.b.wild.example', 'wild.example', 'other.example'])
    expect(await shown(other)).toBe(nameOf(first));
  const front = tlsFrontOf(api.app);
  expect(() => front?.renew([first, { cert: named.cert, key: wild.key }])).toThrow('mismatch');
  expect(await shown('one.example')).toBe(nameOf(named));
});

test('a new pair serves new connections, and open ones go on', async () => {
  const old = session();
  expect((await answerOf(old.request({ ':path': '/ping' }))).status).toBe(200);
  tlsFrontOf(api.app)?.renew([await authority.issue(['new.example'])]);
  expect((await answerOf(old.request({ ':path': '/ping' }))).status).toBe(200);
  const fresh = session();
  await once(fresh, 'connect');
  const names = (client: ClientHttp2Session) =>
    (client.socket as TLSSocket).getPeerCertificate().subjectaltname;
  expect(names(old)).not.toContain('new.example');
  expect(names(fresh)).toContain('new.example');
  for (const client of [old, fresh]) client.close();
});

test('HTTP/1.1, with and without a protocol agreed on; nothing older than TLS 1.2', async () => {
  const get = async (options: object) => {
    const sent = requestHttps({ port, host: '127.0.0.1', path: '/ping', ca: authority.cert, ...options });
    sent.end();
    const [response] = await once(sent, 'response');
    return `${response.httpVersion} ${await text(response)}`;
  };
  expect(await get({ agent: false })).toBe('1.1 pong');
  expect(await get({ agent: false, maxVersion: 'TLSv1.2' })).toBe('1.1 pong');
  // At a lower level of security the client offers it, so that it is the server who refuses.
  const old = { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0' };
  await expect(get({ agent: false, ...old })).rejects.toThrow('alert protocol version');
  const bare = connectTls({ port, host: '127.0.0.1', ca: authority.cert });
  bare.write('GET /ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  expect(await text(bare)).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*pong$/);
});

async function dial(said: string | Buffer): Promise<Socket> {
  const socket = connectTcp(port, '127.0.0.1');
  socket.on('error', () => {});
  await once(socket, 'connect');
  socket.write(said);
  return socket;
}

test('plain HTTP on this port is told to use https', async () => {
  const answer = await text(await dial('GET /ping HTTP/1.1\r\nHost: x\r\nAuthorization: Basic eDp5\r\n\r\n'));
  expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n[\s\S]*Use https:\/\/\.[\s\S]*replace a key/);
});

test('clients that stall before, in and after the handshake are cut off, and lock nobody out', async () => {
  const hello = Buffer.from('16030100', 'hex');
  const stalled = await Promise.all(['', hello, Buffer.concat([hello, Buffer.alloc(100)])].map(dial));
  const silent = [session(), session()];
  const half = connectTls({ port, host: '127.0.0.1', ca: authority.cert, ALPNProtocols: ['h2'] });
  half.on('error', () => {});
  half.on('secureConnect', () => half.write('PRI * HTTP/2.0\r\n'));
  await Promise.all([
    ...stalled.map((socket) => once(socket.resume(), 'close')),
    ...silent.map((client) => once(client, 'close')),
    once(half.resume(), 'close'),
  ]);
  // More of them than an address may have: the longest waiting ones go.
  const crowd = await Promise.all(Array.from({ length: 30 }, () => dial(hello)));
  const client = session();
  expect((await answerOf(client.request({ ':path': '/ping' }))).body).toBe('pong');
  client.close();
  for (const socket of crowd) socket.destroy();
});

test('requests of HTTP/2 have the places of connections: an address gets its share, and not more', async () => {
  const gate = Promise.withResolvers<void>();
  const { script } = api;
  api.script = async () => {
    await gate.promise;
    return completion({ body: 'done' });
  };
  const client = session('127.0.0.9');
  const streams = Array.from({ length: 30 }, () =>
    client.request({ ':path': web.replace('.json', '.http') }),
  );
  const answers = streams.map((stream) => answerOf(stream).catch(() => stream.rstCode));
  const refused = await Promise.all(answers.slice(20));
  expect(refused).toEqual(Array.from({ length: 10 }, () => constants.NGHTTP2_REFUSED_STREAM));
  gate.resolve();
  for (const answer of await Promise.all(answers.slice(0, 20))) expect(answer).toMatchObject({ status: 200 });
  api.script = script;
  client.close();
});

test('a client of HTTP/2 that leaves in the middle of a request leaves no connection behind', async () => {
  const gate = Promise.withResolvers<void>();
  const { script } = api;
  api.script = async () => {
    await gate.promise;
    return completion({});
  };
  const accepted = once(api.app.server, 'connection');
  const client = session();
  const before = api.jobs.length;
  const headers = { authorization: basic(api.key), 'content-type': 'application/json' };
  client.request({ ':method': 'POST', ':path': invoke, ...headers }).end('{}');
  const [connection] = await accepted;
  await expect.poll(() => api.jobs.length).toBe(before + 1);
  client.destroy();
  try {
    await expect.poll(() => connection.destroyed).toBe(true);
  } finally {
    gate.resolve();
    api.script = script;
  }
});

test('event streams of HTTP/2 and of HTTP/1.1 count together, as those of their namespace', async () => {
  const headers = { authorization: basic(api.key) };
  const path = '/ward/v1/namespaces/_/activations/stream';
  const client = session();
  const leaving = [() => client.destroy()];
  const own = async () => {
    const stream = client.request({ ':path': path, ...headers });
    const [head] = await once(stream, 'response');
    return { stream, status: head[':status'] };
  };
  const plain = async () => {
    const sent = requestHttps({ port, host: '127.0.0.1', path, headers, ca: authority.cert, agent: false });
    sent.end();
    const [response] = await once(sent, 'response');
    sent.on('error', () => {});
    leaving.push(() => void sent.destroy());
    return { status: response.statusCode };
  };
  const streams = [await own(), await own(), await own()];
  const further = [await plain(), await plain()];
  expect([...streams, ...further, await own()].map(({ status }) => status)).toEqual([
    ...[200, 200, 200, 200],
    ...[429, 429],
  ]);
  streams[0]?.stream.close(constants.NGHTTP2_CANCEL);
  await expect.poll(async () => (await own()).status).toBe(200);
  expect((await plain()).status).toBe(429);
  for (const leave of leaving) leave();
});

/** RFC 9113, section 4.1. */
function frame(type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

const [headersType, resetType, settingsType, continuationType] = [1, 3, 4, 9];
/** `GET https://x/`, in HPACK. */
const getRoot = Buffer.from('828784410178', 'hex');
const endStream = 1;
const endHeaders = 4;
const reset = Buffer.from([0, 0, 0, constants.NGHTTP2_CANCEL]);

test.each<[what: string, turns: number, parts: (turn: number) => Buffer]>([
  [
    'requests that are reset at once',
    // Few enough to stay below every other limit.
    400,
    (turn) =>
      Buffer.concat([
        frame(headersType, endStream | endHeaders, 2 * turn + 3, getRoot),
        frame(resetType, 0, 2 * turn + 3, reset),
      ]),
  ],
  [
    'headers without an end',
    200_000,
    (turn) => {
      const piece = Buffer.from(`4003${Buffer.from('x-a').toString('hex')}7f81${'01'.repeat(256)}`, 'hex');
      return turn === 0
        ? frame(headersType, endStream, 3, Buffer.concat([getRoot, piece]))
        : frame(continuationType, 0, 3, piece);
    },
  ],
  ['settings', 200_000, () => frame(settingsType, 0, 0)],
])('a flood of %s ends its own connection only', async (_what, turns, part) => {
  const socket = connectTls({ port, host: '127.0.0.1', ca: authority.cert, ALPNProtocols: ['h2'] });
  let isOpen = true;
  socket.on('error', () => {});
  const closed = new Promise<void>((resolve) => {
    socket.once('close', () => {
      isOpen = false;
      resolve();
    });
  });
  // It never reads, so the answers pile up.
  socket.pause();
  await once(socket, 'secureConnect');
  socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
  socket.write(frame(settingsType, 0, 0));
  // After a request, a connection may stay open without one for longer than this test takes.
  socket.write(frame(headersType, endStream | endHeaders, 1, getRoot));
  for (let turn = 0; isOpen && turn < turns; turn++) {
    if (!socket.write(part(turn)))
      await Promise.race([new Promise((go) => socket.once('drain', go)), closed]);
  }
  socket.resume();
  await closed;
  const client = session();
  expect((await answerOf(client.request({ ':path': '/ping' }))).body).toBe('pong');
  client.close();
});
