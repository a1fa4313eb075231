/** What a node without a database says when API nodes refuse it, or can't be reached. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { digestOf } from '../../blobs/index.ts';
import { startCluster, type TestCluster } from '../../cluster/cluster.fixture.ts';
import { joinCluster, type NodeIdentity } from '../../cluster/index.ts';
import { isFault, silentLog } from '../../lib/index.ts';
import { openAddresses } from './api-addresses.ts';
import { type NodeDoor, openNodeDoor } from './node-door.ts';

const digest = digestOf('code');
const stack = new AsyncDisposableStack();
let cluster: TestCluster;
let url: string;

beforeAll(async () => {
  cluster = stack.use(await startCluster());
  url = await startApi();
});
afterAll(() => stack.disposeAsync());

/** Lets nodes of the cluster in, and answers others as the API does. It has no blob. */
async function startApi(): Promise<string> {
  const server = createServer(async ({ headers, url: path }, response) => {
    try {
      await cluster.service.authenticate(String(headers['x-ward-node']), `GET ${path}`);
      response.writeHead(404).end();
    } catch (error) {
      if (!isFault(error)) throw error;
      const { code, kind, message, hint } = error;
      response.writeHead(kind === 'denied' ? 403 : 400, { 'x-ward-fault': code });
      response.end(JSON.stringify({ error: message, hint }));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  stack.defer(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function doorOf(name: string, at = url): Promise<NodeDoor> {
  const folder = cluster.nodeFolder(name);
  const token = await cluster.token();
  const identity: NodeIdentity = await joinCluster({
    ...{ door: cluster.service, folder, role: 'invoker', name, token },
  });
  const door = openNodeDoor({ addresses: openAddresses([at]), identity: () => identity, log: silentLog });
  return stack.use(door);
}

test('code that does not exist is missing everywhere', async () => {
  const door = await doorOf('inv1');
  expect(await door.blobs('code').get(digest)).toBeUndefined();
});

test('a node that was removed is cut off from code', async () => {
  const door = await doorOf('inv2');
  await cluster.store.members.remove('inv2');
  await expect(door.blobs('code').get(digest)).rejects.toMatchObject({
    ...{ code: 'INVOKER_CUT_OFF', kind: 'busy' },
    cause: { code: 'NODE_REMOVED' },
  });
  await expect(door.document('/ward/v1/cluster/images')).rejects.toMatchObject({
    ...{ code: 'NODE_REMOVED', message: 'node inv2 is not in the cluster: it was removed or replaced' },
    hint: expect.stringContaining('ward node token'),
  });
});

test('a node that reaches no API node is cut off from code', async () => {
  const door = await doorOf('inv3', 'http://127.0.0.1:1');
  await expect(door.blobs('code').get(digest)).rejects.toMatchObject({
    ...{ code: 'INVOKER_CUT_OFF', kind: 'busy' },
    cause: { code: 'CLUSTER_UNREACHABLE' },
  });
});
