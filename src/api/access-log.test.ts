import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { basic, completion, hello, startApi, type TestApi } from './api.fixture.ts';

let api: TestApi;
let lines: Record<string, unknown>[] = [];

beforeAll(async () => {
  const accessLog = pino({ base: null }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  api = await startApi({ accessLog, tracing: { isSampled: () => false, ended: () => {} } });
  await api.call('PUT', 'actions/hello', { body: hello });
});
afterAll(() => api[Symbol.asyncDispose]());
beforeEach(() => {
  lines = [];
});

test('logs a call with the ids that its caller has', async () => {
  const answer = await api.call('POST', 'actions/hello?blocking=true&token=hush', {
    body: { secret: 'hush' },
  });
  expect(lines).toEqual([
    expect.objectContaining({
      msg: 'request',
      transactionId: answer.headers['x-request-id'],
      traceId: answer.headers['x-request-id'],
      activationId: answer.headers['x-openwhisk-activation-id'],
      method: 'POST',
      path: '/api/v1/namespaces/_/actions/hello',
      namespace: 'guest',
      address: '127.0.0.1',
      status: 200,
      ms: expect.any(Number),
    }),
  ]);
  expect(JSON.stringify(lines)).not.toContain('hush');
});

test('names the trace of a request, which its caller may have begun', async () => {
  const traceId = '0af7651916cd43dd8448eb211c80319c';
  const sent = [`00-${traceId}-b7ad6b7169203331-01`, `00-${traceId}-"forged"-01`];
  for (const traceparent of sent) await api.call('GET', 'actions', { headers: { traceparent } });
  expect(lines.map((line) => line['traceId'])).toEqual([traceId, lines[1]?.['transactionId']]);
});

test('logs an activation that the platform failed with the id of its call', async () => {
  api.script = () => completion({ error: 'no sandbox' }, { status: 'whisk internal error' });
  const answer = await api.call('POST', 'actions/hello?blocking=true');
  api.script = () => completion({});
  expect(answer.status).toBe(500);
  expect(lines).toContainEqual(
    expect.objectContaining({
      msg: 'an activation failed by the platform',
      traceId: answer.headers['x-request-id'],
      transactionId: answer.headers['x-request-id'],
      activationId: answer.headers['x-openwhisk-activation-id'],
      reason: { error: 'no sandbox' },
    }),
  );
});

test('logs refused requests, and uses the id that the caller sends', async () => {
  await api.call('GET', 'actions/nothing', { headers: { 'x-request-id': 'mine-1' } });
  await api.app.inject({ url: '/api/v1/namespaces', headers: { authorization: basic('a:b') } });
  expect(lines.map(({ transactionId, status, namespace }) => [transactionId, status, namespace])).toEqual([
    ['mine-1', 404, 'guest'],
    [expect.any(String), 401, undefined],
  ]);
});

test.each(['POST', 'PUT'] as const)('does not log the token of a webhook (%s)', async (method) => {
  await api.app.inject({ method, url: '/webhooks/0123456789abcdef?x=1' });
  expect(lines.map(({ path }) => path)).toEqual(['/webhooks/[redacted]']);
});

test('cuts a path, which cannot forge a line', async () => {
  await api.app.inject({ url: `/%0a{"level":30}${'a'.repeat(3000)}` });
  expect(lines).toHaveLength(1);
  expect(String(lines[0]?.['path']).length).toBe(1024);
});

test('logs a client that left before its answer', async () => {
  await api.app.listen({ port: 0, host: '127.0.0.1' });
  const { port } = api.app.server.address() as AddressInfo;
  const gate = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  api.script = async () => {
    asked.resolve();
    await gate.promise;
    return completion({});
  };
  const leaving = new AbortController();
  const startedAt = performance.now();
  const call = fetch(`http://127.0.0.1:${port}/api/v1/namespaces/_/actions/hello?blocking=true`, {
    method: 'POST',
    headers: { authorization: basic(api.key) },
    signal: leaving.signal,
  });
  await asked.promise;
  leaving.abort();
  await expect(call).rejects.toThrow();
  await expect.poll(() => lines.length).toBe(1);
  gate.resolve();
  expect(lines[0]).toMatchObject({ method: 'POST', isBroken: true });
  expect(lines[0]?.['ms']).toBeGreaterThan(0);
  expect(lines[0]?.['ms']).toBeLessThanOrEqual(performance.now() - startedAt + 0.1);
});
