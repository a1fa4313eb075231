/** A real nats-server with the configuration that Ward writes: what certificates let each node do. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { missingForNats, startNatsProcess } from '../bus/nats-server.fixture.ts';
import { freePort } from '../lib/free-ports.fixture.ts';
import { type BusNode, natsConfig } from './bus-rights.ts';
import { startCluster, type TestCluster } from './cluster.fixture.ts';
import type { NodeIdentity } from './identity.ts';
import { joinCluster } from './join.ts';
import { newNodeKey, privatePem } from './keys.ts';
import { renewIdentity } from './renewal.ts';

const timeoutMs = 10_000;

let missing: string | undefined;
let cluster: TestCluster;
let other: TestCluster;
let nats: NatsServer;
const nodes: Record<'api' | 'api2' | 'inv' | 'inv2' | 'foreign', NodeIdentity> = Object.create(null);

interface NatsServer extends AsyncDisposable {
  readonly port: number;
  /** Makes it read another list of nodes. */
  reload(listed: readonly BusNode[]): Promise<void>;
}

beforeEach((context) => context.skip(missing !== undefined, missing));

beforeAll(async () => {
  missing = await missingForNats();
  if (missing !== undefined) return;
  [cluster, other] = await Promise.all([startCluster(), startCluster()]);
  nodes.api = await joined(cluster, 'api', 'api');
  nodes.api2 = await joined(cluster, 'api2', 'api');
  nodes.inv = await joined(cluster, 'inv', 'invoker');
  nodes.inv2 = await joined(cluster, 'inv2', 'invoker');
  nodes.foreign = await joined(other, 'inv', 'invoker');
  nats = await startNats([nodes.api, nodes.api2, nodes.inv, nodes.inv2]);
});
afterAll(async () => {
  await nats?.[Symbol.asyncDispose]();
  await cluster?.[Symbol.asyncDispose]();
  await other?.[Symbol.asyncDispose]();
});

const root = () => `ward.v1.${cluster.authority.cluster}`;

describe('an invoker', () => {
  test('reports, gets its jobs and answers them', async () => {
    const [api, inv] = [await dial(nodes.api), await dial(nodes.inv)];
    await using _ = closing(api, inv);
    const jobs = hear(inv, `${root()}.inv.inv.*`);
    const toAll = hear(inv, `${root()}.all.*`);
    const answers = hear(api, `${root()}.api.api.*`);
    const reports = hear(api, `${root()}.hb.*.*`);
    await Promise.all([inv.flush(), api.flush()]);
    api.publish(`${root()}.inv.inv.api`, 'job');
    api.publish(`${root()}.all.api`, 'retire');
    inv.publish(`${root()}.api.api.inv`, 'result');
    inv.publish(`${root()}.hb.invoker.inv`, 'report');
    await expect
      .poll(() => [jobs, toAll, answers, reports])
      .toEqual([['job'], ['retire'], ['result'], ['report']]);
  });

  test.each([
    ["another invoker's jobs", () => `${root()}.inv.inv2.*`],
    ['the jobs of all invokers', () => `${root()}.inv.>`],
    ['what is said to an API node', () => `${root()}.api.api.*`],
    ['what is said to all API nodes', () => `${root()}.api.>`],
    ['everything', () => '>'],
    ['another cluster', () => 'ward.v1.0000000000000000.inv.inv.*'],
    ['what the server says about itself', () => '$SYS.>'],
  ])('can’t hear %s', async (_, subject) => {
    const inv = await dial(nodes.inv);
    await using _closing = closing(inv);
    expect(await refusalOf(inv, () => void inv.subscribe(subject()))).toMatch(
      /permissions violation.*subscription/i,
    );
  });

  test.each([
    ['answer in the name of another', () => `${root()}.api.api.inv2`],
    ['report in the name of another', () => `${root()}.hb.invoker.inv2`],
    ['report in the name of an API node', () => `${root()}.hb.api.api`],
    ['report that it serves the API', () => `${root()}.hb.api.inv`],
    ['give a job to another', () => `${root()}.inv.inv2.inv`],
    ['give a job in the name of an API node', () => `${root()}.inv.inv2.api`],
    ['speak to all invokers', () => `${root()}.all.inv`],
    ['say that no invoker has heard a job', () => `${root()}.none.api.a.1`],
    ['speak to another cluster', () => 'ward.v1.0000000000000000.hb.invoker.inv'],
  ])('can’t %s', async (_, subject) => {
    const inv = await dial(nodes.inv);
    await using _closing = closing(inv);
    expect(await refusalOf(inv, () => inv.publish(subject(), 'x'))).toMatch(
      /permissions violation.*publish/i,
    );
  });
});

describe('an API node', () => {
  test.each([
    ['answer in the name of an invoker', () => `${root()}.api.api2.inv`],
    ['give jobs in the name of another', () => `${root()}.inv.inv.api2`],
    ['speak to all in the name of another', () => `${root()}.all.api2`],
  ])('can’t %s', async (_, subject) => {
    const api = await dial(nodes.api);
    await using _closing = closing(api);
    expect(await refusalOf(api, () => api.publish(subject(), 'x'))).toMatch(
      /permissions violation.*publish/i,
    );
  });

  test('can’t hear what is said to another, and hears that no invoker has heard a job', async () => {
    const api = await dial(nodes.api);
    await using _ = closing(api);
    const said = await refusalOf(api, () => void api.subscribe(`${root()}.api.api2.*`));
    expect(said).toMatch(/permissions violation.*subscription/i);
    const unheard: number[] = [];
    const callback = (_error: Error | null, { headers }: { headers?: { code: number } }) =>
      void unheard.push(headers?.code ?? 0);
    api.subscribe(`${root()}.none.api.*.*`, { callback });
    api.publish(`${root()}.inv.gone.api`, 'job', { reply: `${root()}.none.api.a.1` });
    await expect.poll(() => unheard).toEqual([503]);
  });
});

describe('the server of the bus', () => {
  test('refuses a certificate of another cluster, an expired one, and none at all', async () => {
    await expect(dial({ ...nodes.foreign, authority: nodes.inv.authority })).rejects.toThrow();
    const expired = await cluster.authority.issue({
      ...{ subject: { commonName: 'inv', organization: 'invoker' }, key: nodes.inv.key, use: 'node' },
      ...{ from: Date.now() - 60_000, until: Date.now() - 1000 },
    });
    await expect(dial({ ...nodes.inv, certificate: expired })).rejects.toThrow();
    await expect(dial({ ...nodes.inv, certificate: undefined })).rejects.toThrow();
  });

  test('refuses a node that is not listed, or has another role there', async () => {
    const late = await joined(cluster, 'late', 'invoker');
    await expect(dial(late)).rejects.toThrow(/authorization/i);
    const promoted = await cluster.authority.issue({
      ...{ subject: { commonName: 'inv', organization: 'api' }, key: nodes.inv.key, use: 'node' },
      ...{ from: Date.now() - 1000, until: Date.now() + 60_000 },
    });
    await expect(dial({ ...nodes.inv, certificate: promoted })).rejects.toThrow(/authorization/i);
  });

  test('is refused by a node when it has the certificate of another cluster', async () => {
    await expect(dial({ ...nodes.inv, authority: nodes.foreign.authority })).rejects.toThrow();
  });

  test('ends the connection of a node that was removed from its list, and lets a new one in', async () => {
    await using server = await startNats([nodes.api, nodes.inv, nodes.inv2]);
    const [api, inv] = [await dial(nodes.api, server), await dial(nodes.inv, server)];
    await using _ = closing(api, inv);
    await server.reload([nodes.api, nodes.inv2]);
    await inv.closed();
    await expect(dial(nodes.inv, server)).rejects.toThrow(/authorization/i);
    expect(api.isClosed()).toBe(false);
    await (await dial(nodes.inv2, server)).close();
  });

  test('passes a job on while its invoker changes to a renewed certificate', async () => {
    const api = await dial(nodes.api);
    const before = await dial(nodes.inv2);
    await using _ = closing(api, before);
    const [old, renewed]: [string[], string[]] = [[], []];
    const answers = hear(api, `${root()}.api.api.*`);
    before.subscribe(`${root()}.inv.inv2.*`, { callback: (_error, { data }) => void old.push(text(data)) });
    await before.flush();
    api.publish(`${root()}.inv.inv2.api`, 'one');
    await expect.poll(() => old).toEqual(['one']);
    const identity = await renewIdentity(cluster.service, cluster.nodeFolder('inv2'), nodes.inv2);
    expect(identity.certificate).not.toBe(nodes.inv2.certificate);
    const after = await dial(identity);
    await using _after = closing(after);
    after.subscribe(`${root()}.inv.inv2.*`, {
      callback: (_error, { data }) => void renewed.push(text(data)),
    });
    await after.flush();
    await before.drain();
    api.publish(`${root()}.inv.inv2.api`, 'two');
    await expect.poll(() => renewed).toEqual(['two']);
    // The answer to the first job, over the new connection.
    after.publish(`${root()}.api.api.inv2`, 'result of one');
    await expect.poll(() => answers).toEqual(['result of one']);
  });
});

async function joined(at: TestCluster, name: string, role: 'api' | 'invoker'): Promise<NodeIdentity> {
  const token = await at.token(role, { name });
  return joinCluster({ door: at.service, folder: at.nodeFolder(name), role, name, token });
}

async function dial(
  {
    certificate,
    key,
    authority,
  }: Omit<NodeIdentity, 'certificate'> & { readonly certificate: string | undefined },
  { port } = nats,
): Promise<NatsConnection> {
  const own = certificate === undefined ? {} : { cert: certificate, key: privatePem(key) };
  return connect({
    servers: [`localhost:${port}`],
    tls: { ca: authority, ...own },
    reconnect: false,
    timeout: timeoutMs,
    noAsyncTraces: true,
  });
}

function hear(connection: NatsConnection, subject: string): string[] {
  const heard: string[] = [];
  connection.subscribe(subject, { callback: (_error, { data }) => void heard.push(text(data)) });
  return heard;
}

function text(data: Uint8Array): string {
  return Buffer.from(data).toString();
}

/** What the server says about it. */
async function refusalOf(connection: NatsConnection, act: () => void): Promise<string> {
  const said = (async () => {
    for await (const status of connection.status()) if (status.type === 'error') return status.error.message;
    return 'the connection ended';
  })();
  act();
  await connection.flush();
  return Promise.race([said, connection.flush().then(() => 'nothing')]);
}

function closing(...connections: readonly NatsConnection[]): AsyncDisposable {
  return {
    async [Symbol.asyncDispose]() {
      for (const connection of connections) await connection.close();
    },
  };
}

let servers = 0;

async function startNats(listed: readonly BusNode[]): Promise<NatsServer> {
  const folder = cluster.nodeFolder(`nats-${++servers}`);
  await mkdir(folder);
  const key = newNodeKey();
  const files = {
    certificate: join(folder, 'server.pem'),
    key: join(folder, 'server.key'),
    authority: join(folder, 'authority.pem'),
  };
  const certificate = await cluster.authority.issue({
    ...{ subject: { commonName: 'nats', organization: 'bus' }, key, use: 'server' },
    ...{ from: Date.now() - 1000, until: Date.now() + 3_600_000, hosts: ['localhost'] },
  });
  await writeFile(files.certificate, certificate);
  await writeFile(files.key, privatePem(key), { mode: 0o600 });
  await writeFile(files.authority, cluster.authority.certificate);
  const port = await freePort();
  const configFile = join(folder, 'nats.conf');
  const write = (nodes: readonly BusNode[]) =>
    writeFile(
      configFile,
      natsConfig({ cluster: cluster.authority.cluster, nodes, listen: `127.0.0.1:${port}`, files }),
    );
  await write(listed);
  const server = await startNatsProcess(['--config', configFile]);
  return {
    port,
    async reload(nodes) {
      await write(nodes);
      server.child.kill('SIGHUP');
      await server.until('Reloaded server configuration');
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
