/** Techniques that start in an invoker get through where nothing stops them: a bus without rights, an API without checks. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openBus } from '../bus/index.ts';
import { missingForNats, type NatsServers, startNats } from '../bus/nats-server.fixture.ts';
import { startCluster, type TestCluster } from '../cluster/cluster.fixture.ts';
import { joinCluster } from '../cluster/index.ts';
import { join } from '../dispatch/cluster/cluster.fixture.ts';
import { silentLog } from '../lib/index.ts';
import type { TakenNode } from './taken-node.ts';
import { takenInvokerTechniques } from './techniques/taken-invoker.ts';
import type { HostContext } from './types.ts';

let missing: string | undefined;
let cluster: TestCluster;
let nats: NatsServers;
let node: TakenNode;

beforeEach((context) => context.skip(missing !== undefined, missing));

const stack = new AsyncDisposableStack();
beforeAll(async () => {
  missing = await missingForNats();
  if (missing !== undefined) return;
  cluster = stack.use(await startCluster());
  nats = stack.use(await startNats());
  const { addresses } = nats;
  const bus = stack.use(await openBus({ addresses, name: 'api1', messageBytes: 512 * 1024, log: silentLog }));
  await bus.untilUp(10_000);
  stack.use(await join(bus, { node: 'api1', cluster: 'ward' }));
  const identity = await joinCluster({
    ...{ door: cluster.service, folder: cluster.nodeFolder('inv1'), role: 'invoker', name: 'inv1' },
    token: await cluster.token(),
  });
  const { certificate, authority } = identity;
  node = {
    ...{ identity, shown: { certificate, authority, key: '' }, bus: { addresses, cluster: 'ward' } },
    // The token of another node, which is not used yet.
    ...{ api: { door: cluster.service, get: async () => 200 }, token: await cluster.token() },
  };
});
afterAll(() => stack.disposeAsync());

const byName = (names: readonly string[]) =>
  takenInvokerTechniques.filter(({ name }) => names.includes(name)).map((each) => [each.name, each] as const);

async function outcomeOf(technique: (typeof takenInvokerTechniques)[number], of: TakenNode | string) {
  if (!('run' in technique)) throw new Error('it is a program');
  return technique.run({ node: of } as HostContext);
}

describe('in a cluster without controls', () => {
  const stopped = ['node-begin-unsent-job', 'node-follow-log', 'node-forge-token', 'node-forge-certificate'];
  const others = takenInvokerTechniques.map(({ name }) => name).filter((name) => !stopped.includes(name));

  test.concurrent.each(byName(others))('%s gets through', async (_, technique) => {
    expect(await outcomeOf(technique, node)).toMatchObject({ outcome: 'ESCAPED' });
  });

  test.concurrent.each(byName(stopped))('%s is stopped by the API node itself', async (_, technique) => {
    expect(await outcomeOf(technique, node)).toMatchObject({ outcome: 'BLOCKED', answer: 'refused' });
  });
});

test('without a node, or without what a technique needs, the result says why it proves nothing', async () => {
  const [technique] = takenInvokerTechniques;
  if (technique === undefined) throw new Error('there are none');
  expect(await outcomeOf(technique, 'no node')).toEqual({ outcome: 'NOTHING', detail: 'no node' });
  for (const [name, one] of byName(['node-join-again', 'node-list-blobs'])) {
    const of = name === 'node-join-again' ? { ...node, token: undefined } : { ...node, api: undefined };
    expect(await outcomeOf(one, of)).toMatchObject({
      outcome: 'NOTHING',
      detail: expect.stringMatching(/^give/),
    });
  }
});
