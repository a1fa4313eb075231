/** Which requests of nodes the cluster takes for those of a node. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startCluster, type TestCluster } from './cluster.fixture.ts';
import type { NodeIdentity } from './identity.ts';
import { joinCluster } from './join.ts';
import { proofOf } from './node-proof.ts';

const request = 'GET /ward/v1/cluster/images';
let cluster: TestCluster;
let other: TestCluster;
let node: NodeIdentity;
let foreign: NodeIdentity;

beforeAll(async () => {
  [cluster, other] = await Promise.all([startCluster(), startCluster()]);
  [node, foreign] = await Promise.all([joined(cluster, 'inv'), joined(other, 'inv')]);
});
afterAll(async () => {
  await cluster?.[Symbol.asyncDispose]();
  await other?.[Symbol.asyncDispose]();
});

async function joined({ service, nodeFolder, token }: TestCluster, name: string): Promise<NodeIdentity> {
  const folder = nodeFolder(name);
  return joinCluster({ door: service, folder, role: 'invoker', name, token: await token() });
}

test('a node shows who it is', async () => {
  expect(await cluster.service.authenticate(proofOf(node, request), request)).toEqual({
    ...{ name: 'inv', role: 'invoker' },
  });
});

test.each<[string, () => string | undefined, string]>([
  ['without a proof', () => undefined, 'NODE_REQUEST_INVALID'],
  ['with text of another form', () => 'x'.repeat(100), 'NODE_REQUEST_INVALID'],
  ['with a text without end', () => 'A'.repeat(100_000), 'NODE_REQUEST_INVALID'],
  ['with the proof of another request', () => proofOf(node, 'GET /other'), 'NODE_REQUEST_INVALID'],
  ['with an old proof', () => proofOf(node, request, Date.now() - 600_000), 'NODE_REQUEST_INVALID'],
  ['with a proof of the future', () => proofOf(node, request, Date.now() + 600_000), 'NODE_REQUEST_INVALID'],
  ['of a node of another cluster', () => proofOf(foreign, request), 'CERTIFICATE_FOREIGN'],
  ['with a key that is not of its certificate', () => mixed(), 'NODE_REQUEST_INVALID'],
])('a request %s is refused', async (_, proof, code) => {
  await expect(cluster.service.authenticate(proof(), request)).rejects.toMatchObject({ code });
});

/** The certificate of a node, and the key of another one. */
function mixed(): string {
  return proofOf({ ...node, key: foreign.key }, request);
}

test('a node that was removed is refused, and so is the one that it replaced', async () => {
  const first = await joined(cluster, 'twice');
  await cluster.store.members.remove('twice');
  const authenticate = () => cluster.service.authenticate(proofOf(first, request), request);
  await expect(authenticate()).rejects.toMatchObject({ code: 'NODE_REMOVED' });
  const folder = cluster.nodeFolder('twice-again');
  const token = await cluster.token();
  await joinCluster({ door: cluster.service, folder, role: 'invoker', name: 'twice', token });
  await expect(authenticate()).rejects.toMatchObject({ code: 'NODE_REMOVED' });
});
