/** Clients that don't speak HTTP, or speak it too slowly, too long or too often, on a listening server. */
import { once } from 'node:events';
import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { basic, hello, startApi, type TestApi } from './api.fixture.ts';
import type { ApiLimits } from './api-limits.ts';

async function listen(options: { api?: Partial<ApiLimits> } = {}): Promise<TestApi & { port: number }> {
  const api = await startApi(options);
  const url = await api.app.listen({ host: '127.0.0.1', port: 0 });
  return Object.assign(api, { port: Number(new URL(url).port) });
}

async function open(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

/** Returns everything that the server says until it hangs up. */
async function talk(port: number, ...said: string[]): Promise<string> {
  const socket = await open(port);
  let heard = '';
  socket.on('data', (chunk) => {
    heard += chunk;
  });
  for (const each of said) socket.write(each);
  await once(socket, 'close');
  return heard;
}

const jsonOf = (answer: string): unknown => JSON.parse(answer.slice(answer.indexOf('\r\n\r\n')));
const anError = { error: expect.any(String), code: expect.stringMatching(/^[0-9a-f]{32}$/) };

describe('a client that', () => {
  test('speaks another protocol gets an error in JSON', async () => {
    await using api = await listen();
    const answer = await talk(api.port, 'hello, who is there?\r\n\r\n');
    expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
    expect(jsonOf(answer)).toEqual({ ...anError, error: 'Bad Request' });
  });

  test('sends an endless head is cut off', async () => {
    await using api = await listen();
    const answer = await talk(api.port, `GET /ping HTTP/1.1\r\nX: ${'x'.repeat(20_000)}`);
    expect(answer).toMatch(/^HTTP\/1\.1 431 /);
    expect(jsonOf(answer)).toEqual(anError);
  });

  test('sends its head too slowly is cut off', async () => {
    await using api = await listen({ api: { headTimeoutMs: 100, requestTimeoutMs: 200, sweepMs: 50 } });
    const answer = await talk(api.port, 'GET /ping HTTP/1.1\r\nHost: x\r\n');
    expect(answer).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/);
    expect(jsonOf(answer)).toEqual({ ...anError, error: 'Request Timeout' });
  });

  test('sends its body too slowly is cut off', async () => {
    await using api = await listen({ api: { headTimeoutMs: 100, requestTimeoutMs: 200, sweepMs: 50 } });
    await talk(
      api.port,
      `POST /api/v1/namespaces/_/actions/a HTTP/1.1\r\nHost: x\r\nAuthorization: ${basic(api.key)}\r\n`,
      'Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"a"',
    );
    expect(api.jobs).toEqual([]);
  });

  test('says nothing is cut off', async () => {
    await using api = await listen({ api: { idleTimeoutMs: 100, headTimeoutMs: 10_000 } });
    expect(await talk(api.port)).toBe('');
  });

  test('announces a large body without credentials is refused before it is read', async () => {
    await using api = await listen();
    const sent = request({
      port: api.port,
      method: 'PUT',
      path: '/api/v1/namespaces/_/actions/a',
      headers: { 'content-type': 'application/json', 'content-length': 50_000_000 },
    });
    sent.on('error', () => {});
    sent.flushHeaders();
    const [response] = await once(sent, 'response');
    expect(response.statusCode).toBe(401);
    sent.destroy();
  });

  test('sends more than allowed in chunks is stopped', async () => {
    await using api = await listen();
    await api.call('PUT', 'actions/a', { body: hello });
    const response = await fetch(`http://127.0.0.1:${api.port}/api/v1/namespaces/_/actions/a`, {
      method: 'POST',
      headers: { authorization: basic(api.key), 'content-type': 'application/json' },
      body: new Blob(['"', 'x'.repeat(2 * 1024 * 1024), '"']).stream(),
      duplex: 'half',
    } as RequestInit);
    expect(response.status).toBe(413);
    expect(await response.json()).toMatchObject({
      error: 'Request larger than allowed: more than 1048576 > 1048576 bytes.',
    });
    expect(api.jobs).toEqual([]);
  });
});

describe('large uploads', () => {
  const put = (api: { port: number; key: string }, bytes: number) => {
    const sent = request({
      port: api.port,
      method: 'PUT',
      path: '/api/v1/namespaces/_/actions/a',
      headers: {
        authorization: basic(api.key),
        'content-type': 'application/json',
        'content-length': bytes,
      },
    });
    sent.on('error', () => {});
    sent.flushHeaders();
    return sent;
  };

  test('are refused while others fill their memory, and accepted afterwards', async () => {
    await using api = await listen({ api: { uploadBytes: 10_000_000 } });
    // One of them, whichever arrives first, is admitted, and gets no answer before it has been sent completely.
    const uploads = [put(api, 8_000_000), put(api, 8_000_000)];
    const [refused, response] = await Promise.race(
      uploads.map(async (each) => [each, (await once(each, 'response'))[0]] as const),
    );
    expect(response.statusCode).toBe(503);
    expect(JSON.parse((await Array.fromAsync(response)).join(''))).toMatchObject({
      error: 'Too many large uploads are under way, try again later.',
    });
    refused.destroy();
    const small = await api.call('PUT', 'actions/small', { body: hello });
    expect(small.status).toBe(200);
    for (const each of uploads) each.destroy();
    const padded = `{}${' '.repeat(8_000_000)}`;
    const again = () => api.call('PUT', 'actions/a', { raw: padded });
    await expect.poll(async () => (await again()).body).toMatchObject({ error: 'exec undefined' });
  });
});
