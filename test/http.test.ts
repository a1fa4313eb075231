/** The HTTP surface of a whole Ward: slow clients, many clients, and what browsers and proxies rely on. */
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deployHeld } from './held-action.ts';
import { missingForSandboxes, Ward } from './ward.ts';

const missing = missingForSandboxes();
const actions = '/api/v1/namespaces/_/actions';
const anError = { error: expect.any(String), code: expect.any(String) };
const cors = {
  'access-control-allow-origin': '*',
  'access-control-allow-methods': 'GET, DELETE, POST, PUT, HEAD',
  'access-control-allow-headers': expect.stringContaining('Authorization'),
};

describe.skipIf(missing !== undefined)(`HTTP${missing ? ` (${missing})` : ''}`, () => {
  let ward: Ward;
  let port: number;
  let basic: string;

  beforeAll(async () => {
    ward = await Ward.start();
    port = Number(new URL(ward.url).port);
    basic = `Basic ${Buffer.from(ward.auth).toString('base64')}`;
    await ward.setLimits('guest', ['--invocations-per-minute', '100000']);
    await ward.deploy('hello', 'function main(p) { return { hello: p.name }; }');
  });
  afterAll(async () => {
    await ward?.[Symbol.asyncDispose]();
  });

  async function open(said: string): Promise<Socket> {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => {});
    await once(socket, 'connect');
    socket.write(said);
    return socket;
  }
  const hello = async (name: string) => (await ward.invoke('hello', { name })).body.response.result;

  it('clients that stall hinder no one, and those that stall in the head are cut off', {
    timeout: 40_000,
  }, async () => {
    const heads = await Promise.all(
      Array.from({ length: 200 }, () => open('GET /api/v1 HTTP/1.1\r\nHost: x\r\nX-Slow: ')),
    );
    const cutOff = Promise.all(heads.map((socket) => text(socket)));
    const bodies = await Promise.all(
      Array.from({ length: 200 }, () =>
        open(
          `POST ${actions}/hello?blocking=true HTTP/1.1\r\nHost: x\r\nAuthorization: ${basic}\r\n` +
            'Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"name":',
        ),
      ),
    );
    for (let n = 0; n < 20; n++) expect(await hello(`number ${n}`)).toEqual({ hello: `number ${n}` });
    for (const answer of await cutOff) expect(answer).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/);
    for (const socket of bodies) socket.destroy();
    expect(await hello('after')).toEqual({ hello: 'after' });
  });

  it('a client that leaves during its call affects no one else', async () => {
    const slow = await deployHeld(ward, 'slow');
    const body = '{}';
    const leavers = await Promise.all(
      Array.from({ length: 5 }, () =>
        open(
          `POST ${actions}/slow?blocking=true HTTP/1.1\r\nHost: x\r\nAuthorization: ${basic}\r\n` +
            `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
        ),
      ),
    );
    await slow.begun();
    for (const socket of leavers) socket.destroy();
    await slow.release();
    // Ward still runs and records their activations.
    await ward.until(async () => {
      const reply = await ward.request('GET', '/api/v1/namespaces/_/activations?name=slow&count=true');
      return reply.body.activations === 5;
    });
    expect(await hello('again')).toEqual({ hello: 'again' });
  });

  it('serves 1000 open connections of clients with a key', async () => {
    const agents = Array.from({ length: 4 }, () => new Agent({ keepAlive: true, maxFreeSockets: 250 }));
    const list = async (agent: Agent): Promise<string> => {
      const sent = request({ port, agent, path: '/api/v1/namespaces', auth: ward.auth });
      sent.end();
      const [response] = await once(sent, 'response');
      return text(response);
    };
    const lists = (agent: Agent) => Promise.all(Array.from({ length: 250 }, () => list(agent)));
    // A connection counts for its address until it has shown a key.
    for (const agent of agents) expect(new Set(await lists(agent))).toEqual(new Set(['["guest"]']));
    const again = await Promise.all(agents.map(lists));
    expect(new Set(again.flat())).toEqual(new Set(['["guest"]']));
    const free = agents.flatMap((agent) => Object.values(agent.freeSockets).flatMap((all) => all ?? []));
    expect(free.length).toBe(1000);
    expect(await hello('beside them')).toEqual({ hello: 'beside them' });
    for (const agent of agents) agent.destroy();
  });

  it.each([
    ['GET', '/ping', 200],
    ['GET', '/', 200],
    ['GET', '/api/v1', 200],
    ['GET', '/api/v1/', 200],
    ['OPTIONS', '/api/v1/namespaces/_/actions', 200],
    ['OPTIONS', '/api/v1/namespaces/guest/actions/hello', 200],
  ])('%s %s needs no key', async (method, path, status) => {
    const response = await fetch(`${ward.url}${path}`, { method });
    expect(response.status).toBe(status);
    if (path.startsWith('/api')) expect(Object.fromEntries(response.headers)).toMatchObject(cors);
  });

  it.each([
    ['PATCH', actions, 405],
    ['POST', actions, 405],
    ['PUT', '/api/v1/namespaces/_/limits', 405],
    ['DELETE', '/api/v1/namespaces/_/activations', 405],
    ['POST', '/ping', 405],
    ['GET', '/nowhere', 404],
    ['GET', '/api/v1/nowhere', 404],
    ['GET', '/api/v1/namespaces/guest', 404],
    ['GET', `${actions}/%ff`, 400],
    ['GET', `/${'x'.repeat(9000)}`, 414],
  ])('%s %.40s → %i with an error in JSON', async (method, path, status) => {
    const reply = await ward.request(method, path);
    expect(reply).toMatchObject({ status, body: anError });
    expect(reply.headers.get('content-type')).toMatch(/^application\/json/);
    expect(reply.headers.get('x-request-id')).toBe(reply.body.code);
  });

  it('HEAD never has a body', async () => {
    for (const path of ['/ping', '/api/v1', `${actions}/hello`]) {
      const socket = await open(
        `HEAD ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: ${basic}\r\nConnection: close\r\n\r\n`,
      );
      const answer = await text(socket);
      expect(answer).toMatch(/^HTTP\/1\.1 \d{3} /);
      expect(answer.slice(answer.indexOf('\r\n\r\n'))).toBe('\r\n\r\n');
    }
  });

  it.each([
    ['of the client', 'abc-123', /^abc-123$/],
    ['not a hostile one', 'x"}{"y', /^[0-9a-f]{32}$/],
    ['not one of the platform', 'sid_invoker', /^[0-9a-f]{32}$/],
    ['not an endless one', 'x'.repeat(129), /^[0-9a-f]{32}$/],
  ])('X-Request-ID is echoed: %s', async (_name, id, expected) => {
    for (const path of ['/ping', '/api/v1', actions, '/nowhere', `${actions}/absent`]) {
      const reply = await ward.request('GET', path, { headers: { 'x-request-id': id } });
      expect(reply.headers.get('x-request-id')).toMatch(expected);
    }
  });

  it('large results reach slow readers in full', async () => {
    await ward.deploy('large', 'const main = ({ of }) => ({ text: of.repeat(1_000_000) })');
    const letters = [...'abcdefghijkl'];
    const ask = (of: string) =>
      `POST ${actions}/large?blocking=true&result=true HTTP/1.1\r\nHost: x\r\nAuthorization: ${basic}\r\n` +
      `Connection: ${of === 'l' ? 'close' : 'keep-alive'}\r\nContent-Type: application/json\r\n` +
      `Content-Length: 10\r\n\r\n{"of":"${of}"}`;
    // More than the buffers of a connection can hold: the rest waits in Ward.
    const socket = await open(letters.map(ask).join(''));
    await once(socket, 'readable');
    const results = (await text(socket)).match(/\{"text":"[^"]*"\}/g)?.map((json) => JSON.parse(json).text);
    const expected = letters.map((of) => of.repeat(1_000_000));
    expect(results?.length).toBe(letters.length);
    expect(results?.every((result, at) => result === expected[at])).toBe(true);
  });

  it('a request smuggled in another is not accepted', async () => {
    const inner = `GET ${actions} HTTP/1.1\r\nHost: x\r\n\r\n`;
    const socket = await open(
      `POST /ping HTTP/1.1\r\nHost: x\r\nContent-Length: ${inner.length}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${inner}`,
    );
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
  });
});
