/** What API nodes give to nodes without a database, and to no one else. */
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { fastify } from 'fastify';
import { afterEach, expect, test } from 'vitest';
import { digestOf } from '../../blobs/index.ts';
import { clusterFault } from '../../cluster/index.ts';
import { silentLog } from '../../lib/index.ts';
import { errorHandler } from '../errors.ts';
import {
  addClusterNodes,
  closeSandboxWays,
  type NodeRoutes,
  proofHeader,
  sandboxProtocol,
  sandboxWay,
  takeSandboxWays,
  wantsSandboxWay,
} from './cluster-nodes.ts';

const bytes = Buffer.from('the code of an action');
const digest = digestOf(bytes);
let opened = new AsyncDisposableStack();
afterEach(async () => {
  await opened.disposeAsync();
  opened = new AsyncDisposableStack();
});

function start() {
  const asked: string[] = [];
  const nodes: NodeRoutes = {
    async authenticate(proof, request) {
      asked.push(request);
      if (proof !== 'right') throw clusterFault('NODE_REQUEST_INVALID', 'no node');
      return {};
    },
    images: async () => [{ name: 'nodejs:24' }],
    blobSize: async (place, wanted) => (place === 'code' && wanted === digest ? bytes.length : undefined),
    openBlob: async (_place, _digest, { first, last }) => Readable.from([bytes.subarray(first, last + 1)]),
  };
  const app = fastify({ exposeHeadRoutes: false, http: { shouldUpgradeCallback: wantsSandboxWay } });
  app.setErrorHandler(errorHandler(silentLog));
  addClusterNodes(app, nodes);
  const entered: { readonly namespace: string; readonly socket: Socket }[] = [];
  takeSandboxWays(app.server, nodes, (connection) => entered.push(connection));
  opened.defer(() => app.close());
  opened.defer(() => closeSandboxWays(app.server));
  const get = (path: string, headers: Record<string, string> = {}) =>
    app.inject({ url: `/ward/v1/cluster${path}`, headers: { [proofHeader]: 'right', ...headers } });
  return { app, asked, get, entered };
}

test('a node gets the list of images, and blobs by their digest', async () => {
  const { get, asked } = start();
  expect((await get('/images')).json()).toEqual({ images: [{ name: 'nodejs:24' }] });
  const whole = await get(`/blobs/code/${digest}`);
  expect([whole.statusCode, whole.body]).toEqual([200, bytes.toString()]);
  expect(asked).toEqual(['GET /ward/v1/cluster/images', `GET /ward/v1/cluster/blobs/code/${digest}`]);
});

test.each([
  ['bytes=4-', 206, 'code of an action'],
  ['bytes=4-7', 206, 'code'],
  ['bytes=0-1000', 200, bytes.toString()],
])('a download goes on with %s', async (range, status, text) => {
  const part = await start().get(`/blobs/code/${digest}`, { range });
  expect([part.statusCode, part.body]).toEqual([status, text]);
});

test.each([
  ['bytes=1000-', 416],
  ['bytes=7-4', 416],
  ['bytes=-5', 416],
  ['lines=1-2', 416],
])('the range %s is refused', async (range, status) => {
  expect((await start().get(`/blobs/code/${digest}`, { range })).statusCode).toBe(status);
});

test.each([
  ['another kind', `/blobs/keys/${digest}`],
  ['a path', '/blobs/code/..%2f..%2fetc'],
  ['a digest that no one has', `/blobs/code/${digestOf(Buffer.from('x'))}`],
  ['a blob of another kind', `/blobs/registry/${digest}`],
])('%s is not found', async (_, path) => {
  expect((await start().get(path)).statusCode).toBe(404);
});

test('who is no node gets nothing', async () => {
  const { get } = start();
  for (const path of ['/images', `/blobs/code/${digest}`]) {
    const refused = await get(path, { [proofHeader]: 'wrong' });
    expect([refused.statusCode, refused.headers['x-ward-fault']]).toEqual([400, 'NODE_REQUEST_INVALID']);
  }
});

async function upgrade(app: ReturnType<typeof start>['app'], path: string, proof: string, protocol: string) {
  await app.listen({ port: 0, host: '127.0.0.1' });
  const { port } = app.server.address() as AddressInfo;
  const headers = { connection: 'Upgrade', upgrade: protocol, [proofHeader]: proof };
  const request = httpRequest({ port, host: '127.0.0.1', path, headers }).end();
  const [answer, socket] = await Promise.race([once(request, 'upgrade'), once(request, 'response')]);
  opened.defer(() => socket?.destroy() ?? request.destroy());
  return { status: answer.statusCode };
}

test('a connection of a sandbox enters with the namespace that its node tells', async () => {
  const { app, entered } = start();
  expect(await upgrade(app, sandboxWay('a/b'), 'right', sandboxProtocol)).toEqual({ status: 101 });
  expect(entered.map(({ namespace }) => namespace)).toEqual(['a/b']);
});

test.each([
  ['of no node', sandboxWay('guest'), 'wrong', sandboxProtocol, 403],
  ['to another protocol', '/ward/v1/cluster/images', 'right', 'websocket', 200],
  ['of an odd name', '/ward/v1/cluster/sandboxes/%E0%A4%A', 'right', sandboxProtocol, 400],
])('an upgrade %s opens no way', async (_, path, proof, protocol, status) => {
  const { app, entered } = start();
  expect(await upgrade(app, path, proof, protocol)).toEqual({ status });
  expect(entered).toEqual([]);
});

test('a refused upgrade is closed, although its client stays', async () => {
  const { app } = start();
  await app.listen({ port: 0, host: '127.0.0.1' });
  const { port } = app.server.address() as AddressInfo;
  const path = sandboxWay('guest');
  const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  opened.defer(() => void client.destroy());
  const accepted = once(app.server, 'connection') as Promise<[Socket]>;
  client.write(
    `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: ${sandboxProtocol}\r\n\r\n`,
  );
  const [socket] = await accepted;
  const closed = once(socket, 'close');
  const parts: Buffer[] = [];
  for await (const part of client.iterator({ destroyOnReturn: false })) parts.push(part as Buffer);
  expect(Buffer.concat(parts).toString()).toMatch(/^HTTP\/1\.1 403 /);
  await closed;
});
