/** Who may read the metrics for Prometheus. */
import { type FastifyInstance, fastify } from 'fastify';
import { afterEach, describe, expect, test } from 'vitest';
import { addMetrics } from './resources/metrics.ts';

const apps: FastifyInstance[] = [];
afterEach(async () => {
  await Promise.all(apps.splice(0).map((app) => app.close()));
});

function start(token?: string): FastifyInstance {
  const app = fastify({ exposeHeadRoutes: false });
  const openMetrics = { contentType: 'application/openmetrics-text', text: async () => 'open' };
  addMetrics(app, {
    contentType: 'text/plain; version=0.0.4',
    text: async () => 'up 1\n',
    openMetrics,
    token,
  });
  apps.push(app);
  return app;
}

const ask = (app: FastifyInstance, headers: Record<string, string> = {}, remoteAddress = '127.0.0.1') =>
  app.inject({ url: '/metrics', headers, remoteAddress });

describe('without a token', () => {
  test.each(['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1'])(
    '%s may read the metrics',
    async (address) => {
      const answer = await ask(start(), {}, address);
      expect(answer.statusCode).toBe(200);
      expect(answer.headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/);
      expect(answer.body).toBe('up 1\n');
    },
  );

  test.each(['192.168.1.7', '::ffff:10.0.0.1', 'fe80::1'])('%s may not', async (address) => {
    const answer = await ask(start(), {}, address);
    expect(answer.statusCode).toBe(403);
    expect(answer.json()).toMatchObject({ error: expect.stringMatching(/metrics\.tokenFile/) });
  });

  test.each([
    ['x-forwarded-for'],
    ['forwarded'],
    ['Via'],
    ['x-real-ip'],
    ['X-Forwarded-Host'],
    ['x-forwarded-proto'],
    ['x-original-uri'],
    ['CF-Connecting-IP'],
    ['True-Client-IP'],
    ['x-client-ip'],
    ['client-ip'],
  ])('a client behind a proxy may not (%s)', async (name) => {
    expect((await ask(start(), { [name]: '127.0.0.1' })).statusCode).toBe(403);
  });
});

describe('with a token', () => {
  const token = '0123456789abcdef';

  test('a client that has it may read them from anywhere', async () => {
    const answer = await ask(start(token), { authorization: `Bearer ${token}` }, '203.0.113.1');
    expect(answer.statusCode).toBe(200);
  });

  test.each([
    {},
    { authorization: 'Bearer 0123456789abcdeF' },
    { authorization: 'Bearer 0123456789abcde' },
    { authorization: 'Bearer' },
    { authorization: `Basic ${token}` },
  ])('no one else may, not even from this machine: %j', async (headers) => {
    const answer = await ask(start(token), headers);
    expect(answer.statusCode).toBe(401);
    expect(answer.headers['www-authenticate']).toBe('Bearer realm="metrics"');
  });
});

test('writing is refused', async () => {
  expect((await start().inject({ method: 'POST', url: '/metrics' })).statusCode).toBe(405);
});

const prometheus =
  'application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4';

test.each([
  [`${prometheus},text/plain;version=0.0.4;q=0.3,*/*;q=0.2`, 'open'],
  ['application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;q=0.5', 'open'],
  ['application/openmetrics-text', 'open'],
  ['application/openmetrics-text; version=1.0.0; charset=utf-8', 'open'],
  ['application/openmetrics-text;version=1.0.0;q=0.1,text/plain;q=0.9', 'up 1\n'],
  ['application/openmetrics-text;version=0.0.1,text/plain;q=0.5', 'up 1\n'],
  ['application/openmetrics-text;q=0', 'up 1\n'],
  ['text/plain', 'up 1\n'],
  ['*/*', 'up 1\n'],
  ['', 'up 1\n'],
])('a scraper that accepts %j gets %j', async (accept, body) => {
  expect((await ask(start(), { accept })).body).toBe(body);
});
