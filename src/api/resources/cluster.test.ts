/** The routes of a cluster: what they pass on, and what they refuse before the cluster sees it. */
import { fastify, type InjectOptions } from 'fastify';
import { expect, test } from 'vitest';
import { clusterFault } from '../../cluster/index.ts';
import { silentLog } from '../../lib/index.ts';
import { acceptJson } from '../body.ts';
import { errorHandler } from '../errors.ts';
import { addCluster, type ClusterRoutes } from './cluster.ts';

const generous = { perSecond: 1000, burst: 1000 };

function start(more: Partial<ClusterRoutes> = {}, perAddress = generous, all = generous) {
  const asked: unknown[] = [];
  const app = fastify({ exposeHeadRoutes: false });
  app.setErrorHandler(errorHandler(silentLog));
  acceptJson(app);
  const take = (what: string) => async (request: unknown) => {
    asked.push([what, request]);
    return { done: what };
  };
  const describe = async () => ({ cluster: 'c' });
  addCluster(app, { describe, join: take('join'), renew: take('renew'), ...more }, { perAddress, all });
  const send = (path: string, options: InjectOptions = {}) =>
    app.inject({ method: 'POST', url: `/ward/v1/cluster${path}`, payload: { a: 1 }, ...options });
  return { app, asked, send, [Symbol.asyncDispose]: () => app.close() };
}

test('each path asks for its own work, and no answer is cached', async () => {
  await using api = start();
  const described = await api.send('', { method: 'GET', payload: '' });
  expect([described.statusCode, described.json()]).toEqual([200, { cluster: 'c' }]);
  expect((await api.send('/join')).json()).toEqual({ done: 'join' });
  const renewed = await api.send('/renewal');
  expect([renewed.json(), renewed.headers['cache-control']]).toEqual([{ done: 'renew' }, 'no-store']);
  expect(api.asked).toEqual([
    ['join', { a: 1 }],
    ['renew', { a: 1 }],
  ]);
});

test('a refusal of the cluster has its code, its hint and the status of its kind', async () => {
  const refuse = async () => {
    throw clusterFault('JOIN_TOKEN_USED', 'another node has joined', { hint: 'make a new one' });
  };
  await using api = start({ join: refuse });
  const reply = await api.send('/join');
  expect([reply.statusCode, reply.headers['x-ward-fault']]).toEqual([403, 'JOIN_TOKEN_USED']);
  expect(reply.json()).toMatchObject({ error: 'another node has joined', hint: 'make a new one' });
});

test.each<[string, InjectOptions, number]>([
  ['a body of more than 8 KiB', { payload: { a: 'x'.repeat(8192) } }, 413],
  ['a body that is not JSON', { payload: '{', headers: { 'content-type': 'application/json' } }, 400],
  ['another type', { payload: 'a=1', headers: { 'content-type': 'text/plain' } }, 415],
  ['another method', { method: 'GET', payload: '' }, 405],
])('%s is refused before the cluster sees it', async (_, options, status) => {
  await using api = start();
  expect((await api.send('/join', options)).statusCode).toBe(status);
  expect(api.asked).toEqual([]);
});

test.each([
  ['of one address', { perSecond: 0.01, burst: 2 }, generous],
  ['of all addresses', generous, { perSecond: 0.01, burst: 2 }],
])('too many requests %s wait', async (_, perAddress, all) => {
  await using api = start({}, perAddress, all);
  const replies = [await api.send('/join'), await api.send('/renewal'), await api.send('/join')];
  expect(replies.map(({ statusCode }) => statusCode)).toEqual([200, 200, 429]);
  expect(Number(replies[2]?.headers['retry-after'])).toBeGreaterThan(0);
  expect(api.asked).toHaveLength(2);
});
