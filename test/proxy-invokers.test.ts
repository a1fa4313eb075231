/**
 * What an invoker asks API nodes for, through Debian's nginx and Caddy with the configurations of docs/proxies.md: at a
 * host of its own, and below a prefix.
 */
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { fastify } from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { acceptJson } from '../src/api/body.ts';
import { addCluster } from '../src/api/resources/cluster.ts';
import {
  addClusterNodes,
  closeSandboxWays,
  takeSandboxWays,
  wantsSandboxWay,
} from '../src/api/resources/cluster-nodes.ts';
import { digestOf, openBlobStore } from '../src/blobs/index.ts';
import { startCluster, type TestCluster } from '../src/cluster/cluster.fixture.ts';
import { joinCluster } from '../src/cluster/index.ts';
import { silentLog } from '../src/lib/index.ts';
import { makeAuthority } from '../src/lib/key-pairs.fixture.ts';
import { openAddresses } from '../src/server/cluster/api-addresses.ts';
import { openHttpDoor } from '../src/server/cluster/http-door.ts';
import { openNodeDoor } from '../src/server/cluster/node-door.ts';
import { createNodeRoutes } from '../src/server/cluster/node-routes.ts';
import { missingProxies, startDocumentedCaddy, startDocumentedNginx } from './proxy-programs.ts';

const code = 'the code of an action';
const digest = digestOf(code);

describe.skipIf(missingProxies)(`an invoker${missingProxies ? ` (${missingProxies})` : ''}`, () => {
  const stack = new AsyncDisposableStack();
  const usual = getCACertificates('default');
  let folder: string;
  let cluster: TestCluster;
  let files: { readonly cert: string; readonly key: string };
  let ward: string;
  /** Namespaces of the connections of sandboxes that came. */
  const entered: string[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ward-proxy-invokers-'));
    stack.defer(() => rm(folder, { recursive: true }));
    cluster = stack.use(await startCluster());
    const authority = stack.use(await makeAuthority());
    setDefaultCACertificates([...usual, authority.cert]);
    stack.defer(() => setDefaultCACertificates(usual));
    const pair = await authority.issue();
    files = { cert: join(folder, 'tls.crt'), key: join(folder, 'tls.key') };
    await writeFile(files.cert, pair.cert);
    await writeFile(files.key, pair.key);
    ward = await startApi();
  });
  afterAll(() => stack.disposeAsync());

  /** The routes of nodes alone; a connection of a sandbox gets back what it says. */
  async function startApi(): Promise<string> {
    const blobs = openBlobStore(join(folder, 'code'));
    await blobs.put(Buffer.from(code));
    const { service } = cluster;
    const imagesDir = join(folder, 'images');
    const nodes = createNodeRoutes({ service, code: blobs, registry: blobs, imagesDir });
    const app = fastify({ exposeHeadRoutes: false, http: { shouldUpgradeCallback: wantsSandboxWay } });
    acceptJson(app);
    addCluster(app, service);
    addClusterNodes(app, nodes);
    takeSandboxWays(app.server, nodes, ({ socket, namespace }) => {
      entered.push(namespace);
      socket.pipe(socket);
    });
    stack.defer(() => app.close());
    stack.defer(() => closeSandboxWays(app.server));
    return app.listen({ host: '127.0.0.1', port: 0 });
  }

  /** A connection as of a sandbox: what the sandbox holds, and what the invoker holds. */
  async function pairOfSockets(): Promise<readonly [sandbox: Socket, invoker: Socket]> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new TypeError('no port');
    const sandbox = connect({ port: address.port, host: '127.0.0.1' });
    const [invoker]: readonly Socket[] = await once(server, 'connection');
    server.close();
    if (invoker === undefined) throw new TypeError('no connection');
    return [sandbox, invoker];
  }

  test.each([
    ['nginx', startDocumentedNginx, false],
    ['nginx, below a prefix', startDocumentedNginx, true],
    ['Caddy', startDocumentedCaddy, false],
    ['Caddy, below a prefix', startDocumentedCaddy, true],
  ])('joins through %s, gets images and code, and lets a sandbox in', async (title, start, isBelow) => {
    const proxy = await start({ folder, ward, ...files }, isBelow);
    await using _proxy = { [Symbol.asyncDispose]: () => proxy.end() };
    const addresses = openAddresses([isBelow ? `${proxy.url}/ward/` : proxy.url]);
    const name = title.replaceAll(/\W+/g, '-');
    const identity = await joinCluster({
      ...{ door: openHttpDoor(addresses), folder: join(folder, name), role: 'invoker', name },
      token: await cluster.token(),
    });
    using door = openNodeDoor({ addresses, identity: () => identity, log: silentLog });
    expect(await door.document('/ward/v1/cluster/images')).toEqual({ images: [] });
    const got = await door.blobs('code').get(digest, { first: 4, last: 7 });
    expect(got && (await text(got.body))).toBe('code');
    const [sandbox, invoker] = await pairOfSockets();
    using _sandbox = { [Symbol.dispose]: () => sandbox.destroy() };
    door.letIn(invoker, `space/${name}`);
    sandbox.write('hello');
    const [said] = await Promise.race([once(sandbox, 'data'), once(sandbox, 'close')]);
    expect([String(said), entered.at(-1)]).toEqual(['hello', `space/${name}`]);
  });
});
