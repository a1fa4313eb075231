/**
 * What an operator sees when the servers of NATS are split, and an API node is on the side without an invoker: real servers
 * of NATS, with proxies as the ways between them.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Cluster, type ClusterNode } from './cluster/cluster.ts';
import { missingForCluster, startEngines } from './cluster/engines.ts';
import { Routes } from './cluster/routes.ts';
import { runWard, type Ward } from './ward.ts';

const missing = await missingForCluster();
const stack = new AsyncDisposableStack();
let routes: Routes;
let node: ClusterNode;
let lonely: Ward;

beforeAll(async () => {
  if (missing !== undefined) return;
  routes = stack.use(new Routes());
  const { settings } = stack.use(await startEngines({ natsServers: 2, routes }));
  const [bus = '', otherBus = ''] = settings.bus.split(',');
  const config = { invoker: { prewarm: [], memoryMiB: 256 } };
  const cluster = stack.use(
    await Cluster.start([
      { name: 'node-1', role: 'all', settings: { ...settings, bus }, config },
      { name: 'api-1', role: 'api', settings: { ...settings, bus: otherBus }, config },
    ]),
  );
  node = cluster.node('node-1');
  lonely = cluster.node('api-1').ward;
  await node.ward.deploy('quick', 'const main = () => ({})');
});
afterAll(() => stack.disposeAsync());

async function readinessOf(ward: Ward) {
  const { status, body } = await ward.request('GET', '/ping?ready');
  return { status, body };
}

/** The operator's command on the other node. */
function operate(...words: string[]) {
  const place = ['--data', node.dataDir, '--config', join(node.dataDir, 'config.yaml')];
  return runWard([...words, ...place], { env: { WARD_APIHOST: node.ward.url } });
}

const aloneNodes = async () => JSON.parse((await operate('node', 'list', '-o', 'json')).stdout).alone;

const well = { status: 200, body: { ready: true, bus: 'up' } };
const text = 'no invoker is heard on api-1, but elsewhere: check the routes between the servers of NATS';

test.skipIf(missing !== undefined).each(['refusing', 'silent'] as const)(
  'while the ways between servers of NATS are %s, an API node without an invoker on its side is alone, and all say so',
  async (state) => {
    const { ward } = node;
    await expect.poll(() => readinessOf(lonely)).toMatchObject(well);
    expect(await aloneNodes()).toEqual([]);
    routes.set(state, [1]);
    const alone = { status: 503, body: { ready: false, bus: 'alone' } };
    await expect.poll(() => readinessOf(lonely)).toMatchObject(alone);
    await expect.poll(aloneNodes).toEqual(['api-1']);
    expect((await operate('node', 'list')).stderr).toContain(text);
    expect((await operate('status')).stdout).toMatch(
      new RegExp(`^nodes +ready .*2 ready, 0 draining, 0 silent; ${text}$`, 'm'),
    );
    expect((await operate('doctor')).stderr).toContain(`warning: ${text}`);
    expect(await readinessOf(ward)).toMatchObject({ status: 200, body: { ready: true } });
    expect((await ward.invoke('quick')).status).toBe(200);
    expect((await lonely.invoke('quick')).status).toBe(503);
    routes.set('open', [1]);
    await expect.poll(() => readinessOf(lonely)).toMatchObject(well);
    await expect.poll(aloneNodes).toEqual([]);
    expect((await operate('status')).stdout).toMatch(/^nodes +ready .*2 ready, 0 draining, 0 silent$/m);
    expect((await lonely.invoke('quick')).status).toBe(200);
  },
);
