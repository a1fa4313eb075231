import { fastify } from 'fastify';
import { expect, test } from 'vitest';
import { Fault, silentLog } from '../lib/index.ts';
import { errorHandler } from './errors.ts';
import { sendRateLimit } from './rate-limit.ts';

test('the headers have the limit, the rest, and whole seconds until the count starts again', async () => {
  const app = fastify();
  app.get('/', async (_request, reply) => {
    sendRateLimit(reply, { limit: 60, remaining: 0, resetMs: 1001 });
    return 'done';
  });
  const { headers } = await app.inject('/');
  await app.close();
  expect(headers).toMatchObject({
    'ratelimit-limit': '60',
    'ratelimit-remaining': '0',
    'ratelimit-reset': '2',
  });
});

test.each<[number | undefined, string | undefined]>([
  [undefined, undefined],
  [0, '1'],
  [999, '1'],
  [1000, '1'],
  [59_001, '60'],
])('a refusal for %s ms says to retry after %s s', async (retryAfterMs, expected) => {
  const app = fastify();
  app.setErrorHandler(errorHandler(silentLog));
  app.get('/', async () => {
    throw new Fault('X', 'throttled', 'wait', retryAfterMs === undefined ? {} : { retryAfterMs });
  });
  const answer = await app.inject('/');
  await app.close();
  expect([answer.statusCode, answer.headers['retry-after']]).toEqual([429, expected]);
});
