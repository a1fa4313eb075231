/** `/whisk.system`: made at the first start, read at every later one, and rewritten when its content is new. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openBlobStore } from '../../blobs/index.ts';
import {
  type BuiltinAction,
  createFunctions,
  createVault,
  type Functions,
  parseEntityName,
  systemNamespace,
} from '../../functions/index.ts';
import { silentLog } from '../../lib/index.ts';
import { openStore, type Store } from '../../store/index.ts';
import { ensureSystemNamespace } from './system-namespace.ts';

const builtin: BuiltinAction = {
  path: 'alarms/alarm',
  annotations: [{ key: 'feed', value: true }],
  run: async () => ({}),
};

interface Bench extends AsyncDisposable {
  readonly functions: Functions;
  readonly store: Store;
  ensure(builtins?: readonly BuiltinAction[]): Promise<boolean>;
  /** The revisions of all entities of the namespace. */
  revisions(): Promise<string[]>;
}

async function start(): Promise<Bench> {
  const folder = await mkdtemp(join(tmpdir(), 'ward-system-'));
  const store = await openStore({ path: join(folder, 'data', 'ward.db') });
  const refuse = () => {
    throw new Error('nothing is to be run');
  };
  const dispatcher = {
    run: refuse,
    follow: refuse,
    cancel() {},
    warm() {},
    prefetch() {},
    checkTarget: async () => {},
    kept: () => [],
    grant() {},
    retire() {},
    namespaces: () => new Set<string>(),
    expel() {},
  };
  const functions = createFunctions({
    apiHost: () => 'http://ward.test',
    store,
    blobs: await openBlobStore(join(folder, 'code')),
    admission: { admit: refuse, admitFire: refuse, resume: refuse, usage: refuse, allowed: refuse },
    dispatcher,
    vault: createVault(() => [{ id: 'test', secret: Buffer.alloc(32, 7) }]),
    isAlone: true,
    log: silentLog,
  });
  return {
    functions,
    store,
    ensure: (builtins = [builtin]) => ensureSystemNamespace({ functions, store: store.namespaces, builtins }),
    async revisions() {
      const within = { namespace: systemNamespace, skip: 0, limit: 200 };
      const rows = [
        ...(await store.entities.list({ ...within, collection: 'packages' })),
        ...(await store.entities.list({ ...within, collection: 'actions' })),
      ];
      return rows.map(({ path, revision }) => `${path} ${revision}`).toSorted();
    },
    async [Symbol.asyncDispose]() {
      await functions.close(1000);
      await store.close();
      await rm(folder, { recursive: true });
    },
  };
}

test('every user can read its packages, including the built-in actions', async () => {
  await using bench = await start();
  expect(await bench.ensure()).toBe(true);
  await bench.functions.namespaces.create('guest');
  const guest = await bench.functions.namespaces.identityOf('guest');
  if (guest === undefined) throw new Error('no guest');
  const page = { skip: 0, limit: 200 };
  const listed = await bench.functions.packages.list(systemNamespace, guest.namespace, page);
  expect(listed.map(({ name }) => name as string).toSorted()).toEqual([
    'alarms',
    'apimgmt',
    'samples',
    'utils',
    'webhooks',
  ]);
  const { packages, actions } = bench.functions;
  const named = (name: string) => ({ namespace: systemNamespace, name: parseEntityName(name) });
  const alarms = await packages.get(named('alarms'), guest.namespace);
  expect(alarms).toMatchObject({ publish: true, feeds: [{ name: 'alarm' }] });
  const utils = await packages.get(named('utils'), guest.namespace);
  expect(utils.actions).toHaveLength(9);
  const ref = { ...named('echo'), package: parseEntityName('utils') };
  expect(await actions.get(ref, true, guest.namespace)).toMatchObject({
    code: expect.stringContaining('exports.main'),
    description: { exec: { kind: 'nodejs:24' } },
  });
  await expect(actions.resolve(ref, guest.namespace)).resolves.toMatchObject({ action: { ref } });
});

test('a start without new content writes nothing', async () => {
  await using bench = await start();
  await bench.ensure();
  const before = await bench.revisions();
  expect(before.length).toBeGreaterThan(15);
  expect(await bench.ensure()).toBe(false);
  expect(await bench.revisions()).toEqual(before);
});

test('writes new content, and keeps the operator’s additions', async () => {
  await using bench = await start();
  await bench.ensure();
  await bench.functions.packages.put(
    { namespace: systemNamespace, name: parseEntityName('slack') },
    {},
    false,
  );
  const slack = await bench.store.entities.get(systemNamespace, 'slack');
  const added = { ...builtin, path: 'webhooks/webhook' };
  expect(await bench.ensure([builtin, added])).toBe(true);
  expect((await bench.revisions()).map((each) => each.split(' ', 1)[0])).toContain('webhooks/webhook');
  expect(await bench.store.entities.get(systemNamespace, 'slack')).toEqual(slack);
  const changed = { ...builtin, annotations: [...builtin.annotations, { key: 'description', value: 'new' }] };
  expect(await bench.ensure([changed, added])).toBe(true);
  expect((await bench.store.entities.get(systemNamespace, 'alarms/alarm'))?.document).toMatchObject({
    annotations: expect.arrayContaining([{ key: 'description', value: 'new' }]),
  });
});

test('keeps the namespace’s limits and its unknown key', async () => {
  await using bench = await start();
  await bench.ensure();
  const first = await bench.store.namespaces.byName(systemNamespace);
  await bench.functions.namespaces.setLimits(systemNamespace, { firesPerMinute: 7 });
  expect(await bench.ensure()).toBe(false);
  expect(await bench.ensure([])).toBe(true);
  const row = await bench.store.namespaces.byName(systemNamespace);
  expect(row).toMatchObject({ keyId: first?.keyId, keyHash: first?.keyHash, limits: { firesPerMinute: 7 } });
});
