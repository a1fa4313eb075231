/** The public route: which requests fire, in which form, and which do not. */
import { fastify, type InjectOptions } from 'fastify';
import { describe, expect, test } from 'vitest';
import { functionFault, notFound, type OpenedWebhook } from '../../functions/index.ts';
import { type JsonObject, silentLog } from '../../lib/index.ts';
import { errorHandler } from '../errors.ts';
import type { Rate } from '../web/rate-limiter.ts';
import { addWebhooks } from './webhooks.ts';

const activationId = 'a'.repeat(32);

function startRoute({ webhook = {}, rate }: { webhook?: Partial<OpenedWebhook>; rate?: Rate } = {}) {
  const events: JsonObject[] = [];
  const refused: number[] = [];
  const app = fastify({ exposeHeadRoutes: false });
  app.setErrorHandler(errorHandler(silentLog));
  addWebhooks(app, {
    bodyBytes: 1024,
    ...(rate === undefined ? {} : { rate }),
    async open(token) {
      if (!token.startsWith('right')) throw notFound();
      return {
        id: token,
        requireActive() {
          if (token === 'right-paused') throw functionFault('FEED_PAUSED', 'The webhook is paused.');
        },
        refused: ({ status }) => refused.push(status),
        verify() {},
        async fire(event) {
          events.push(event);
          return { activationId, isRecordLost: false };
        },
        ...webhook,
      };
    },
  });
  const send = (options: InjectOptions) => app.inject({ method: 'POST', url: '/webhooks/right', ...options });
  return { app, events, refused, send, [Symbol.asyncDispose]: () => app.close() };
}

const json = { 'content-type': 'application/json' };

test('a request fires, with all its content', async () => {
  await using route = startRoute();
  const reply = await route.send({
    url: '/webhooks/right?a=1&b=x%20y&a=2',
    headers: { ...json, 'x-github-event': 'push', 'user-agent': 'GitHub-Hookshot' },
    payload: '{"ref":"main","__proto__":{"polluted":true}}',
  });
  expect(reply.statusCode).toBe(202);
  expect(reply.json()).toEqual({ activationId });
  expect(route.refused).toEqual([]);
  expect(reply.headers['x-openwhisk-activation-id']).toBe(activationId);
  const [event] = route.events;
  expect(event).toMatchObject({
    method: 'post',
    query: { a: '2', b: 'x y' },
    headers: {
      'x-github-event': 'push',
      'user-agent': 'GitHub-Hookshot',
      'content-type': 'application/json',
    },
  });
  expect(JSON.stringify(event?.['body'])).toBe('{"ref":"main","__proto__":{"polluted":true}}');
});

test('the answer is empty if no rule is active', async () => {
  await using route = startRoute({ webhook: { fire: async () => undefined } });
  const reply = await route.send({});
  expect({ status: reply.statusCode, body: reply.payload }).toEqual({ status: 204, body: '' });
});

test('credentials and signatures are not passed on', async () => {
  await using route = startRoute();
  const secrets = {
    authorization: 'Basic abc',
    cookie: 'a=b',
    'proxy-authorization': 'x',
    'x-ward-signature': 't=1',
    'x-hub-signature-256': 'sha256=1',
    'x-hub-signature': 'sha1=1',
  };
  await route.send({ headers: { ...secrets, 'x-other': '1' } });
  const headers = JSON.stringify(route.events[0]?.['headers']);
  expect(headers).toContain('x-other');
  for (const name of Object.keys(secrets)) expect(headers).not.toContain(`"${name}"`);
});

test.each<[string, string | undefined, string | Buffer | undefined, unknown]>([
  ['nothing', undefined, undefined, null],
  ['an empty text', 'application/json', '', null],
  ['JSON that is not an object', 'application/json', '[1,"a",null]', [1, 'a', null]],
  ['JSON of a family', 'application/vnd.github+json; charset=utf-8', '{"a":1}', { a: 1 }],
  [
    'a form',
    'application/x-www-form-urlencoded',
    'payload=%7B%22a%22%3A1%7D&b=%C3%BC+x',
    { payload: '{"a":1}', b: 'ü x' },
  ],
  ['text', 'text/plain', 'grüße', 'grüße'],
  ['text in another charset', 'text/plain; charset=iso-8859-1', Buffer.from([0xfc]), 'ü'],
])('a body of %s', async (_, type, payload, expected) => {
  await using route = startRoute();
  const reply = await route.send({
    ...(type === undefined ? {} : { headers: { 'content-type': type } }),
    ...(payload === undefined ? {} : { payload }),
  });
  expect(reply.statusCode).toBe(202);
  expect(route.events[0]?.['body']).toEqual(expected);
});

test.each<[string, number, InjectOptions]>([
  ['broken JSON', 400, { headers: json, payload: '{"a":' }],
  ['JSON that nests too deep', 400, { headers: json, payload: `${'['.repeat(501)}${']'.repeat(501)}` }],
  [
    'a broken form',
    400,
    { headers: { 'content-type': 'application/x-www-form-urlencoded' }, payload: 'a=%ZZ' },
  ],
  ['an unknown charset', 400, { headers: { 'content-type': 'text/plain; charset=klingon' }, payload: 'x' }],
  ['a broken query', 400, { url: '/webhooks/right?a=%ZZ' }],
  ['something binary', 415, { headers: { 'content-type': 'image/png' }, payload: Buffer.from([1, 2]) }],
  ['no type', 415, { headers: { 'content-type': 'nonsense' }, payload: 'x' }],
  ['a body of one byte too many', 413, { headers: json, payload: `"${'x'.repeat(1023)}"` }],
  ['GET', 405, { method: 'GET' }],
  ['HEAD', 405, { method: 'HEAD' }],
  ['PUT', 405, { method: 'PUT', headers: json, payload: '{}' }],
  ['a wrong token', 404, { url: '/webhooks/wrong' }],
  ['a webhook that is paused', 409, { url: '/webhooks/right-paused' }],
])('%s is answered %i, and fires nothing', async (_, status, options) => {
  await using route = startRoute();
  const reply = await route.send(options);
  expect(reply.statusCode).toBe(status);
  expect(route.events).toEqual([]);
  // Its owner learns of those that knew the URL and asked as one must.
  expect(route.refused).toEqual(status === 404 || status === 405 ? [] : [status]);
  if (status !== 405)
    expect(reply.json()).toMatchObject({ error: expect.any(String), code: expect.any(String) });
});

describe('a signature', () => {
  test('covers the body as it was sent, and is checked before the content', async () => {
    const seen: Buffer[] = [];
    await using route = startRoute({
      webhook: {
        verify(headers, body) {
          seen.push(Buffer.from(body));
          if (headers['x-ward-signature'] !== 'good') throw functionFault('SIGNATURE_INVALID', 'wrong');
        },
      },
    });
    const payload = '{ "a" :1}\n';
    expect((await route.send({ headers: json, payload: 'broken' })).statusCode).toBe(401);
    expect((await route.send({ headers: { 'content-type': 'image/png' }, payload: 'x' })).statusCode).toBe(
      401,
    );
    const signed = await route.send({ headers: { ...json, 'x-ward-signature': 'good' }, payload });
    expect(signed.statusCode).toBe(202);
    expect(seen.at(-1)?.toString()).toBe(payload);
    expect(route.events).toHaveLength(1);
  });
});

test('the requests of one webhook are limited, whatever they contain; others continue', async () => {
  await using route = startRoute({
    rate: { perSecond: 0.001, burst: 2 },
    webhook: {
      verify() {
        throw functionFault('SIGNATURE_INVALID', 'wrong');
      },
    },
  });
  const statuses = [];
  for (let n = 0; n < 3; n++) statuses.push((await route.send({})).statusCode);
  statuses.push((await route.send({ url: '/webhooks/right2' })).statusCode);
  expect(statuses).toEqual([401, 401, 429, 401]);
  expect(route.refused).toEqual(statuses);
});
