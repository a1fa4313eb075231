/** What the operator sees of nodes and tells them, in a database that servers have written to. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { nodesPart } from '../src/cli/handlers/status.ts';
import { runInProcess } from '../src/cli/in-process.fixture.ts';
import { awaitDrained, drainNode, listNodes, showNode } from '../src/server/admin/nodes.ts';
import { dataPaths } from '../src/server/instance/instance.ts';
import { openPostgresStore, openStore, type Store } from '../src/store/index.ts';
import { missingForPostgres, startPostgres } from '../src/store/postgres/server.fixture.ts';

const missing = await missingForPostgres();
const stack = new AsyncDisposableStack();
let place: { readonly dataDir: string; readonly configFile: string };
let store: Store;

const invoker = {
  ...{ load: 0.5, warm: 2, queued: 1, memoryMiB: 512, memoryLimitMiB: 1024, processors: 2 },
  memoryUsedMiB: 77,
  sandboxesLeft: 4,
  sandboxes: { starting: 0, busy: 1, idle: 2, prewarmed: 0 },
};

function note(
  name: string,
  how: Partial<{ ageMs: number; isDraining: boolean; orderedAt: number; role: string; busy: number }> & {
    readonly policy?: string;
    readonly vex?: string;
    readonly advisories?: string;
    readonly isAlone?: boolean;
  } = {},
) {
  const { ageMs = 0, isDraining = false, orderedAt = 0, role = 'invoker', busy = 1, ...rest } = how;
  const { policy = 'p', vex, advisories, isAlone } = rest;
  const judges = {
    policy,
    ...(vex !== undefined && { vex }),
    ...(advisories !== undefined && { advisories }),
    ...(isAlone === true && { isAlone }),
  };
  const sandboxes = { ...invoker.sandboxes, busy };
  const figures = { upMs: 1, orderedAt, invoker: { ...invoker, sandboxes, queued: 0, isDraining } };
  return store.clusterNodes.note(
    [
      {
        name,
        role,
        version: '1',
        ageMs,
        figures: role === 'api' ? { upMs: 1, ...judges } : figures,
      },
    ],
    { everyMs: 0 },
  );
}

beforeAll(async () => {
  if (missing !== undefined) return;
  const dataDir = await mkdtemp(join(tmpdir(), 'ward-nodes-'));
  stack.defer(() => rm(dataDir, { recursive: true }));
  const postgres = stack.use(await startPostgres());
  await postgres.admin('create database ward');
  const url = postgres.url('ward');
  const configFile = join(dataDir, 'config.yaml');
  const settings = [
    `store: ${url}`,
    'bus: nats://127.0.0.1:4222',
    'blobs: s3://bucket/p?endpoint=http://h.invalid',
  ];
  await writeFile(configFile, `${settings.join('\n')}\n`);
  place = { dataDir, configFile };
  store = stack.use(await openPostgresStore({ url }));
  await store.namespaces.create({
    ...{ name: 'guest', keyId: 'k', keyHash: 'h', limits: {}, settings: {}, createdAt: 1 },
  });
});
afterAll(() => stack.disposeAsync());

test.skipIf(missing !== undefined)('nodes are listed as they were heard last', async () => {
  await note('ready');
  await note('old', { ageMs: 60_000 });
  await note('going', { isDraining: true });
  await note('api', { role: 'api', vex: '' });
  await note('api-2', { role: 'api' });
  await note('lax', { role: 'api', policy: 'other', vex: 'v', advisories: 'latest', isAlone: true });
  await note('off', { role: 'api', policy: 'older', ageMs: 60_000, isAlone: true });
  await store.clusterNodes.note(
    [{ name: 'odd', role: 'invoker', version: '9', ageMs: 0, figures: { upMs: 'from a newer Ward' } }],
    { everyMs: 0 },
  );
  const { isCluster, nodes, queue, policies, vex, advisories, alone } = await listNodes(place);
  expect(isCluster).toBe(true);
  expect(nodes.map(({ name, state }) => [name, state])).toEqual([
    ['api', 'ready'],
    ['api-2', 'ready'],
    ['going', 'draining'],
    ['lax', 'ready'],
    ['odd', 'ready'],
    ['off', 'silent'],
    ['old', 'silent'],
    ['ready', 'ready'],
  ]);
  expect(queue).toEqual({ waiting: 0, begun: 0, oldestWaitingMs: null });
  expect(policies).toEqual([
    { policy: 'p', nodes: ['api', 'api-2'] },
    { policy: 'other', nodes: ['lax'] },
  ]);
  expect(vex).toEqual([
    { vex: '', nodes: ['api'] },
    { vex: 'v', nodes: ['lax'] },
  ]);
  expect(advisories).toEqual([
    { advisories: '', nodes: ['api', 'api-2'] },
    { advisories: 'latest', nodes: ['lax'] },
  ]);
  expect(alone).toEqual(['lax']);
  const warm = nodes.map(({ name, figures }) => [name, figures?.invoker?.warm]);
  expect(Object.fromEntries(warm)).toMatchObject({ going: 2, old: 2, ready: 2, api: undefined });
  const files = ['--data', place.dataDir, '--config', place.configFile];
  const { stdout, stderr } = await runInProcess(['node', 'list', ...files], { env: {} });
  expect(stdout).toMatch(/^ready .* 77\/512\/1024 MiB /m);
  expect(stderr).toContain('different policies, so give all the same: p on api, api-2; other on lax');
  expect(stderr).toContain('different VEX documents, so give all the same: none on api; v on lax');
  expect(stderr).toMatch(/different advisories, and the log .*: none on api, api-2; latest on lax/);
  const lonely = 'no invoker is heard on lax, but elsewhere: check the routes between the servers of NATS';
  expect(stderr).toContain(lonely);
  expect(nodesPart({ nodes, alone }).meaning).toBe(
    `5 ready, 1 draining, 2 silent; ended sandboxes can’t be removed on going, old, ready; ${lonely}`,
  );
  expect(nodesPart({ nodes: [], alone: [] }).meaning).not.toContain('no invoker');
  const shown = await runInProcess(['node', 'show', 'ready', ...files], { env: {} });
  expect(shown.stdout).toMatch(/^not removed yet +4$/m);
  expect(await showNode(place, 'ready')).toMatchObject({ figures: { invoker: { load: 0.5 } } });
  await expect(showNode(place, 'none')).rejects.toMatchObject({ code: 'NODE_MISSING' });
});

test.skipIf(missing !== undefined)(
  'a drain ends when the node follows this order and runs nothing',
  async () => {
    await note('one');
    const signal = new AbortController().signal;
    await drainNode(place, 'one', true);
    await drainNode(place, 'one', false);
    const order = await drainNode(place, 'one', true);
    const seen: (number | undefined)[] = [];
    const steps = [
      // Of an earlier order; then a call that still runs; then nothing.
      () => note('one', { isDraining: true, orderedAt: order.at - 1, busy: 0 }),
      () => note('one', { isDraining: true, orderedAt: order.at, busy: 1 }),
      () => note('one', { isDraining: true, orderedAt: order.at, busy: 0 }),
    ];
    await awaitDrained(place, order, {
      signal,
      onProgress(left) {
        seen.push(left);
        void steps.shift()?.();
      },
    });
    expect(seen).toEqual([undefined, undefined, 1]);
    expect(await showNode(place, 'one')).toMatchObject({ state: 'draining', isDrained: true });
  },
);

test.skipIf(missing !== undefined)('a drain that can’t end says why', async () => {
  const options = { signal: new AbortController().signal, onProgress: () => {} };
  await note('gone', { ageMs: 20_000 });
  const gone = await drainNode(place, 'gone', true);
  await expect(awaitDrained(place, gone, options)).rejects.toMatchObject({ code: 'NODE_SILENT' });
  await note('two');
  const order = await drainNode(place, 'two', true);
  await drainNode(place, 'two', false);
  await expect(awaitDrained(place, order, options)).rejects.toMatchObject({ code: 'DRAIN_UNDONE' });
  await note('api', { role: 'api' });
  await expect(drainNode(place, 'api', true)).rejects.toMatchObject({ code: 'ROLE_REFUSED' });
  await expect(drainNode(place, 'none', true)).rejects.toMatchObject({ code: 'NODE_MISSING' });
});

test('without a cluster, this Ward is the only node, and can’t be drained', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'ward-nodes-'));
  try {
    await using alone = await openStore({ path: dataPaths(dataDir).database });
    expect(await listNodes({ dataDir })).toMatchObject({ isCluster: false, nodes: [{ state: 'silent' }] });
    await alone.accepted.extend({ node: 'n', leaseMs: 60_000 });
    const { nodes } = await listNodes({ dataDir });
    expect(nodes).toMatchObject([{ role: 'all', state: 'ready', figures: null }]);
    await expect(drainNode({ dataDir }, nodes[0]?.name ?? '', true)).rejects.toMatchObject({
      code: 'NODE_ALONE',
    });
  } finally {
    await rm(dataDir, { recursive: true });
  }
});
