/** Jobs on other nodes, with real servers of NATS between them. */
import { randomBytes } from 'node:crypto';
import { connect } from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { openBus } from '../src/bus/index.ts';
import { missingForNats, type NatsServers, startNats } from '../src/bus/nats-server.fixture.ts';
import { join, localInvoker, newClusterName } from '../src/dispatch/cluster/cluster.fixture.ts';
import { clusterSuite } from '../src/dispatch/dispatch.suite.ts';
import { fakeTarget, jobOf } from '../src/invoker/scheduling/scheduler.fixture.ts';
import { makeInvoker } from '../src/invoker/scheduling/test-invoker.fixture.ts';
import { silentLog } from '../src/lib/index.ts';

const missing = await missingForNats();
const messageBytes = 512 * 1024;
let servers: NatsServers;

beforeAll(async () => {
  if (missing === undefined) servers = await startNats();
});
afterAll(async () => servers?.[Symbol.asyncDispose]());

async function bus(of: NatsServers = servers) {
  const opened = await openBus({ addresses: of.addresses, name: 'test', messageBytes, log: silentLog });
  onTestFinished(() => opened[Symbol.asyncDispose]());
  expect(await opened.untilUp(30_000)).toBe(true);
  return opened;
}

/** An API node and an invoker node that have heard each other. */
async function pair(of?: NatsServers) {
  const invoker = makeInvoker({});
  const cluster = newClusterName();
  const [apiBus, invokerBus] = [await bus(of), await bus(of)];
  const there = await join(invokerBus, {
    ...{ cluster, node: 'invoker' },
    invoker: localInvoker(invoker.dispatcher, invoker.abilities),
  });
  const here = await join(apiBus, { cluster, node: 'api' });
  onTestFinished(async () => {
    await there[Symbol.asyncDispose]();
    await here[Symbol.asyncDispose]();
  });
  await until(() => here.nodes()[0]?.invoker !== undefined);
  return { ...invoker, cluster, here, there };
}

async function until(isSo: () => boolean): Promise<void> {
  await vi.waitUntil(isSo, { interval: 2, timeout: 60_000 });
}

if (missing === undefined)
  clusterSuite('the invoker behind NATS', makeInvoker, async () => [await bus(), await bus()]);

test('a job survives a restart of NATS in the middle', async ({ skip }) => {
  if (missing !== undefined) skip(missing);
  await using own = await startNats();
  const { here, running, answer } = await pair(own);
  const job = jobOf(fakeTarget());
  const end = here.dispatcher.run(job);
  await until(() => running().has(job.activationId));
  await own.kill();
  // Its result is lost at first.
  answer(job.activationId, { n: 1 });
  await own.restart();
  expect((await end).completion.result).toEqual({ n: 1 });
});

test('a job goes on when its server of a cluster is lost', async ({ skip }) => {
  if (missing !== undefined) skip(missing);
  await using own = await startNats(3);
  const { here, running, answer } = await pair(own);
  const job = jobOf(fakeTarget());
  const end = here.dispatcher.run(job);
  await until(() => running().has(job.activationId));
  await own.kill(0);
  answer(job.activationId, { n: 2 });
  expect((await end).completion.result).toEqual({ n: 2 });
});

test('noise on all subjects of a cluster stops nothing', async ({ skip }) => {
  if (missing !== undefined) skip(missing);
  const { here, there, cluster, running, answer } = await pair();
  const noise = await connect({ servers: [...servers.addresses.servers] });
  const places = ['api.api.evil', 'inv.invoker.evil', 'hb.evil', 'all.evil', 'none.api.x.y', 'api.api.*'];
  const subjects = places.slice(0, 5).map((place) => `ward.v1.${cluster}.${place}`);
  for (let n = 0; n < 300; n++)
    for (const subject of subjects) {
      const bytes = randomBytes(n);
      // Often with a valid version and type.
      if (n % 2 === 0 && n > 2) bytes.set([1, (n % 17) + 1, 0, 1]);
      noise.publish(subject, bytes, n % 3 === 0 ? { reply: `ward.v1.${cluster}.api.api.evil` } : {});
    }
  await noise.flush();
  await noise.close();
  await until(() => here.counts().refused > 300 && there.counts().refused > 300);
  const job = jobOf(fakeTarget());
  const end = here.dispatcher.run(job);
  await until(() => running().has(job.activationId));
  answer(job.activationId, { calm: true });
  expect((await end).completion.result).toEqual({ calm: true });
});
