/** From `ward cluster init` to a node that was removed, over the HTTP of a real API node. */
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { busRights, type ClusterDoor, joinCluster, renewIdentity } from '../../cluster/index.ts';
import { openStore } from '../../store/index.ts';
import { openAddresses } from '../cluster/api-addresses.ts';
import { openHttpDoor } from '../cluster/http-door.ts';
import { dataPaths } from '../instance/instance.ts';
import { startApiRole } from '../platform/api-role-process.fixture.ts';
import {
  initCluster,
  listTokens,
  newBusCertificate,
  newNodeToken,
  removeNode,
  revokeToken,
  writeNatsConfig,
} from './cluster.ts';

const hourMs = 3_600_000;
const doorOf = (...urls: string[]) => openHttpDoor(openAddresses(urls));

let dataDir: string;
let place: { readonly dataDir: string };
let cluster: string;
let door: ClusterDoor;
let server: Awaited<ReturnType<typeof startApiRole>>;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'ward-cluster-admin-'));
  place = { dataDir };
  await openStore({ path: dataPaths(dataDir).database }).then((store) => store.close());
  cluster = (await initCluster(place)).cluster;
  server = await startApiRole(dataDir);
  door = doorOf(server.url);
});
afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  await rm(dataDir, { recursive: true });
});

const order = (more: object = {}) => ({ role: 'invoker', name: undefined, uses: 1, lifeMs: hourMs, ...more });

async function joinAs(name: string, token: string) {
  return joinCluster({ door, folder: join(dataDir, 'nodes', name), role: 'invoker', name, token });
}

test('the authority is made once, and only after the first start', async () => {
  expect(await initCluster(place)).toMatchObject({ cluster, isNew: false });
  expect((await stat(join(dataDir, 'cluster', 'authority.pem'))).mode & 0o777).toBe(0o600);
  const empty = initCluster({ dataDir: join(dataDir, 'empty') });
  await expect(empty).rejects.toMatchObject({ code: 'DATA_DIR_EMPTY' });
});

test('a node joins, is renewed, is removed, and is then refused', async () => {
  const { token } = await newNodeToken(place, order());
  const identity = await joinAs('one', token);
  expect(identity).toMatchObject({ cluster, name: 'one', role: 'invoker' });
  const folder = join(dataDir, 'nodes', 'one');
  const renewed = await renewIdentity(door, folder, identity);
  expect(renewed.certificate).not.toBe(identity.certificate);
  await removeNode(place, 'one');
  await expect(renewIdentity(door, folder, renewed)).rejects.toMatchObject({
    code: 'NODE_REMOVED',
    kind: 'denied',
    hint: expect.stringContaining('ward node token'),
  });
  await expect(removeNode(place, 'one')).rejects.toMatchObject({ code: 'NODE_MISSING' });
});

test('a refusal arrives with its code and its hint', async () => {
  const { token } = await newNodeToken(place, order());
  await joinAs('two', token);
  await expect(joinAs('three', token)).rejects.toMatchObject({
    code: 'JOIN_TOKEN_USED',
    hint: expect.stringContaining('ward node remove'),
  });
});

test('a token for several nodes lets that many join, and is listed and revoked', async () => {
  const { token, id } = await newNodeToken(place, order({ uses: 2 }));
  const nodes = { id, role: 'invoker', name: null, uses: 2 };
  const listed = async () => (await listTokens(place)).find((each) => each.id === id);
  expect(await listed()).toMatchObject({ ...nodes, used: 0 });
  for (const name of ['many-1', 'many-1', 'many-2']) await joinAs(name, token);
  expect(await listed()).toBeUndefined();
  await expect(joinAs('many-3', token)).rejects.toMatchObject({
    code: 'JOIN_TOKEN_USED',
    message: expect.stringContaining('2 other nodes have joined'),
  });
  const more = await newNodeToken(place, order({ uses: 3 }));
  await joinAs('many-3', more.token);
  expect(await removeNode(place, 'many-3')).toMatchObject([{ id: more.id, used: 1, uses: 3 }]);
  const last = await newNodeToken(place, order({ uses: 3 }));
  await revokeToken(place, last.id);
  for (const gone of [more, last])
    await expect(joinAs('many-4', gone.token)).rejects.toMatchObject({ code: 'JOIN_TOKEN_UNKNOWN' });
  await expect(revokeToken(place, last.id)).rejects.toMatchObject({ code: 'JOIN_TOKEN_MISSING' });
  const named = newNodeToken(place, order({ name: 'one', uses: 2 }));
  await expect(named).rejects.toMatchObject({ code: 'NODE_NAME_INVALID' });
});

test('a token says for what it is, and lives a week at most', async () => {
  const made = await newNodeToken(place, order({ name: 'api-2', role: 'api', lifeMs: 1000 * hourMs }));
  expect(made).toMatchObject({ cluster, role: 'api', name: 'api-2' });
  expect(made.expiresAt).toBeLessThan(Date.now() + 7 * 24 * hourMs + 60_000);
  expect(made.token).toMatch(/^\S+$/);
  for (const wrong of [{ role: 'admin' }, { name: 'a.b' }])
    await expect(newNodeToken(place, order(wrong))).rejects.toMatchObject({ code: 'NODE_NAME_INVALID' });
});

test('the configuration of NATS lists nodes that joined or are expected, and no others', async () => {
  await joinAs('four', (await newNodeToken(place, order())).token);
  await joinAs('gone', (await newNodeToken(place, order())).token);
  await removeNode(place, 'gone');
  for (let times = 0; times < 2; times++) await newNodeToken(place, order({ name: 'expected' }));
  await newNodeToken(place, order({ name: 'too-late', lifeMs: -1 }));
  const request = { listen: '0.0.0.0:4222', folder: '/etc/nats' };
  const text = await writeNatsConfig(place, request);
  const users = [...text.matchAll(/user: "CN=([^,]+),O=invoker"/g)].map(([, name]) => name);
  expect(users).toEqual(expect.arrayContaining(['four', 'expected']));
  expect(new Set(users).size).toBe(users.length);
  for (const absent of ['gone', 'too-late']) expect(users).not.toContain(absent);
  const rightsOf = (name: string) => busRights(name, { name: 'four', role: 'invoker' }).publish;
  for (const subject of rightsOf('ward')) expect(text).toContain(JSON.stringify(subject));
  const configFile = join(dataDir, 'named.yaml');
  await writeFile(configFile, 'cluster: { name: prod }\n');
  const named = await writeNatsConfig({ ...place, configFile }, request);
  for (const subject of rightsOf('prod')) expect(named).toContain(JSON.stringify(subject));
  expect(text).toContain('cert_file: "/etc/nats/nats.pem"');
});

test('a server of NATS gets a key that only its owner can read', async () => {
  const folder = join(dataDir, 'nats');
  const paths = await newBusCertificate(place, ['localhost', '127.0.0.1'], folder);
  expect((await stat(paths.key)).mode & 0o777).toBe(0o600);
  expect(await readFile(paths.authority, 'utf8')).toContain('BEGIN CERTIFICATE');
  for (const host of ['a b', '', 'a\nb', 'x'.repeat(254)])
    await expect(newBusCertificate(place, [host], folder)).rejects.toMatchObject({ code: 'HOST_INVALID' });
});

describe('an address', () => {
  test.each([
    ['that is none', 'ward.example.com', 'CLUSTER_UNREACHABLE'],
    ['of another scheme', 'ftp://ward.example.com', 'CLUSTER_UNREACHABLE'],
    ['where nothing listens', 'http://127.0.0.1:1', 'CLUSTER_UNREACHABLE'],
  ])('%s is refused', async (_, address, code) => {
    await expect((async () => doorOf(address).describe())()).rejects.toMatchObject({ code });
  });

  test('that cannot be reached is passed over', async () => {
    const door = doorOf('http://127.0.0.1:1', server.url);
    expect(await door.describe()).toMatchObject({ cluster });
    expect(await door.describe()).toMatchObject({ cluster });
  });

  test('may have a slash or a path in front of the API', async () => {
    expect(await doorOf(`${server.url}/`).describe()).toMatchObject({ cluster });
  });

  test.each<[string, number, string]>([
    ['says nothing of a cluster', 404, '{"error":"no"}'],
    ['answers in another form', 200, '{"cluster":"x"}'],
    ['answers with a page', 200, '<html></html>'],
    ['answers without an end', 200, `"${'x'.repeat(100_000)}"`],
  ])('of a server that %s is refused', async (_, status, body) => {
    const wrong = createServer((_request, response) => response.writeHead(status).end(body));
    await once(wrong.listen(0, '127.0.0.1'), 'listening');
    const found = wrong.address();
    const port = found !== null && typeof found === 'object' ? found.port : 0;
    const asked = doorOf(`http://127.0.0.1:${port}`).describe();
    await expect(asked).rejects.toMatchObject({ code: expect.stringMatching(/^CLUSTER_(ANSWER|UNREACH)/) });
    wrong.closeAllConnections();
    await new Promise((resolve) => wrong.close(resolve));
  });
});
