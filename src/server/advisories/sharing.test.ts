/** Nodes that share their advisories over one database and one store of blobs. */
import { copyFile, mkdir, mkdtempDisposable, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { type BlobStore, blobPath, openBlobStore } from '../../blobs/index.ts';
import { type GateStore, openGateStore } from '../../gate/index.ts';
import { type Log, silentLog } from '../../lib/index.ts';
import { ndjson, osv, upTo, type Workplace, workplace } from '../../scanner/advisories/advisories.fixture.ts';
import { openAdvisories } from '../../scanner/index.ts';
import { openStore, type Store } from '../../store/index.ts';
import { noteLastUpdate, readLastUpdate } from './last-update.ts';
import { readSharedRow, type SharedAdvisories, writeSharedRow } from './shared-row.ts';
import { openAdvisorySharing } from './sharing.ts';

const warn = vi.fn<Log['warn']>();
const times = { pauseMs: 0, graceMs: 0, checkMs: 0 };

const leases = new AsyncDisposableStack();
let stack: AsyncDisposableStack;
let store: GateStore;
let state: Store;
let blobs: BlobStore;
let place: string;
beforeAll(async () => {
  const { path } = leases.use(await mkdtempDisposable(join(tmpdir(), 'ward-leases-')));
  state = leases.use(await openStore({ path: join(path, 'ward.db') }));
});
afterAll(() => leases.disposeAsync());
beforeEach(async () => {
  warn.mockReset();
  stack = new AsyncDisposableStack();
  place = stack.use(await mkdtempDisposable(join(tmpdir(), 'ward-sharing-'))).path;
  store = stack.use(await openGateStore({ path: join(place, 'gate.db') }));
  blobs = openBlobStore(place);
});
afterEach(() => stack.disposeAsync());

interface NodeParts {
  readonly blobs?: BlobStore;
  readonly graceMs?: number;
  readonly checkMs?: number;
}

async function nodeOf(name: string, { blobs: through, ...changed }: NodeParts = {}) {
  const work: Workplace = stack.use(await workplace());
  const advisories = stack.use(openAdvisories({ path: work.path }));
  const onTaken = vi.fn<() => void>();
  const sharing = stack.use(
    await openAdvisorySharing({
      ...{ path: work.path, advisories, store, blobs: through ?? blobs, leases: state.leases },
      ...{ node: name, admitWrite: () => {}, onTaken, tellOthers: () => {}, log: { ...silentLog, warn } },
      times: { ...times, ...changed },
    }),
  );
  return {
    ...sharing,
    ...{ path: work.path, onTaken },
    /** Imports an advisory of this name, beside those that the node has. */
    async import(id: string) {
      await work.put(`${id}.ndjson`, ndjson([osv({ id, name: 'thing', events: upTo('2.0.0') })]));
      await work.importAll(`${id}.ndjson`);
    },
    async now() {
      await sharing.look();
      advisories.refresh();
      return advisories.state() && { ...advisories.state(), builtAt: advisories.mark()?.builtAt };
    },
  };
}

type SharingNode = Awaited<ReturnType<typeof nodeOf>>;

const row = async () => (await readSharedRow(store)).advisories;
const blobCount = async () => (await Array.fromAsync(blobs.list())).length;

async function rewrite(change: (shared: SharedAdvisories) => object): Promise<void> {
  const before = await readSharedRow(store);
  if (before.advisories === undefined) throw new Error('nothing is shared yet');
  await writeSharedRow(store, { ...before.advisories, ...change(before.advisories) }, before);
}

/** A node that has shared an advisory, and another one that has an earlier one. */
async function twoNodes(): Promise<readonly [SharingNode, SharingNode]> {
  const [a, b] = [await nodeOf('a'), await nodeOf('b')];
  await b.import('OLD-1');
  await a.import('NEW-1');
  await a.look();
  return [a, b];
}

test('what one imports, all have, and the latest counts whatever the clocks say', async () => {
  const [a, b] = [await nodeOf('a'), await nodeOf('b')];
  expect(await a.now()).toBeUndefined();
  await a.import('A-1');
  await noteLastUpdate(a.path, { endedAt: '2026-11-20T00:00:00.000Z', failed: ['osv/npm'] });
  const first = await a.now();
  expect(await row()).toMatchObject({ node: 'a', revision: first?.revision });
  expect(await b.now()).toEqual(first);
  expect([b.onTaken.mock.calls.length, a.onTaken.mock.calls.length]).toEqual([1, 0]);
  expect(readLastUpdate(b.path)?.failed).toEqual(['osv/npm']);
  // The clock of that node is an hour slow, and its import builds on what it has taken up.
  vi.useFakeTimers({ now: Date.now() - 3_600_000, toFake: ['Date'] });
  await b.import('B-1');
  vi.useRealTimers();
  const second = await b.now();
  expect(second?.count).toBe(2);
  expect(await a.now()).toEqual(second);
  expect(await row()).toMatchObject({ node: 'b' });
  // A node that comes back with what it had long ago.
  const c = await nodeOf('c');
  vi.useFakeTimers({ now: Date.now() - 3_600_000, toFake: ['Date'] });
  await c.import('C-1');
  vi.useRealTimers();
  expect(await c.now()).toEqual(second);
  expect(await row()).toMatchObject({ node: 'b' });
  expect([a, b, c].map((node) => [node.problem(), node.isBehind()])).toEqual(
    Array.from({ length: 3 }, () => [undefined, false]),
  );
  expect(warn).not.toHaveBeenCalled();
});

test('of two that share at once, all get the same one', async () => {
  for (const [time, isSameTime] of [false, true, true].entries()) {
    const [a, b] = [await nodeOf('a'), await nodeOf('b')];
    if (isSameTime) vi.useFakeTimers({ now: Date.now(), toFake: ['Date'] });
    await Promise.all([a.import(`A-${time}`), b.import(`B-${time}`)]);
    vi.useRealTimers();
    await Promise.all([a.look(), b.look()]);
    for (const node of [a, b, a, b]) await node.look();
    const [ofA, ofB] = [await a.now(), await b.now()];
    expect(ofA).toEqual(ofB);
    const shared = await row();
    expect(shared).toMatchObject({ revision: ofA?.revision, builtAt: ofA?.builtAt });
    await Promise.all([a.look(), b.look()]);
    expect(await row()).toEqual(shared);
  }
  expect(warn).not.toHaveBeenCalled();
});

test('of several nodes with the same file one packs it', async () => {
  const putStream = vi.fn(blobs.putStream);
  const [a, b] = [await nodeOf('a', { blobs: { ...blobs, putStream } }), await nodeOf('b')];
  const c = await nodeOf('c', { blobs: { ...blobs, putStream } });
  await b.import('B-1');
  for (const { path } of [a, c]) {
    await mkdir(dirname(path));
    await copyFile(b.path, path);
  }
  await Promise.all([a.look(), c.look()]);
  expect(putStream).toHaveBeenCalledTimes(1);
});

test('an import that ends during a download is kept, and shared', async () => {
  const [a] = await twoNodes();
  const slow = await nodeOf('slow', {
    blobs: {
      ...blobs,
      open: async (digest) => {
        await slow.import('NEWER-1');
        return await blobs.open(digest);
      },
    },
  });
  await slow.import('OLD-2');
  // Later than what that node had, and earlier than what its import builds.
  await a.import('NEW-2');
  await a.look();
  expect((await slow.now())?.count).toBe(2);
  await slow.look();
  expect(await a.now()).toEqual(await slow.now());
  expect((await row())?.node).toBe('slow');
});

test('a write that replaces what this node has not read changes nothing', async () => {
  const [a] = await twoNodes();
  const stale = await readSharedRow(store);
  await a.import('NEW-2');
  await a.look();
  const shared = await row();
  if (shared === undefined) throw new Error('nothing is shared');
  await expect(writeSharedRow(store, shared, stale)).rejects.toMatchObject({ code: 'GATE_FILE_CHANGED' });
});

test.each<readonly [string, RegExp, () => Promise<unknown>]>([
  [
    'has other bytes',
    /damaged|BLOB_CORRUPT|unpack|Unknown frame|Data corruption/i,
    async () => {
      const { blob, blobBytes } = (await row()) ?? {};
      if (blob !== undefined) await writeFile(blobPath(place, blob), Buffer.alloc(blobBytes ?? 0, 7));
    },
  ],
  [
    'has more bytes than it says',
    /the store has \d+ bytes of the shared advisories, and not \d+/,
    () => rewrite(({ blobBytes }) => ({ blobBytes: blobBytes - 1 })),
  ],
  [
    'unpacks to more than it says',
    /it has more than the \d+ bytes that were announced/,
    () => rewrite(({ bytes }) => ({ bytes: bytes - 1 })),
  ],
  [
    'unpacks to less than it says',
    /bytes of the \d+ that were announced/,
    () => rewrite(({ bytes }) => ({ bytes: bytes + 1 })),
  ],
  ['is missing', /the store has no bytes/, async () => blobs.delete((await row())?.blob ?? ('' as never))],
  [
    'is of another revision than it says',
    /was announced/,
    () => rewrite(() => ({ revision: 'f'.repeat(16) })),
  ],
  ['has another form', /another version of Ward/, () => rewrite(() => ({ form: 999 }))],
  [
    'is no file of advisories',
    /can’t read its form|can’t be used/,
    async () => {
      const { zstdCompressSync } = await import('node:zlib');
      const packed = zstdCompressSync(Buffer.alloc(8192, 1));
      const blob = await blobs.put(packed);
      await rewrite(() => ({ blob, blobBytes: packed.length, bytes: 8192 }));
    },
  ],
])('a snapshot that %s is not taken up, and the node says so', async (_, reason, spoil) => {
  const [, b] = await twoNodes();
  await spoil();
  const before = await b.now();
  expect(before?.count).toBe(1);
  expect(b.isBehind()).toBe(true);
  expect(b.problem()).toMatch(reason);
  expect(warn).toHaveBeenCalledTimes(1);
  await b.look();
  expect(warn).toHaveBeenCalledTimes(1);
  expect((await readdir(join(b.path, '..'))).filter((name) => name.startsWith('.'))).toEqual([]);
  // The next update, here or elsewhere, mends it.
  await b.import('NEWEST-1');
  await b.look();
  expect([b.problem(), b.isBehind(), (await row())?.node]).toEqual([undefined, false, 'b']);
});

test('a snapshot with a view in it is not opened', async () => {
  const [a, b] = await twoNodes();
  const db = new DatabaseSync(a.path);
  db.exec(
    "create view rows as select 1; update meta set value = '9000-01-01T00:00:00.000Z' where name = 'built'",
  );
  db.close();
  await rm(`${a.path}.sha256`);
  await a.look();
  expect((await row())?.builtAt).toMatch(/^9000/);
  const { revision } = (await b.now()) ?? {};
  expect(b.problem()).toContain('more than tables');
  expect((await b.now())?.revision).toBe(revision);
});

test('a node whose own file is damaged does not share it', async () => {
  const [a] = await twoNodes();
  await a.import('NEW-2');
  const db = new DatabaseSync(a.path);
  db.exec("update advisory set body = '{}'");
  db.close();
  const before = await row();
  await a.look();
  expect(a.problem()).toContain('not what was imported');
  expect(await row()).toEqual(before);
});

test('while the store is away a node goes on, and later catches up', async () => {
  let isAway = true;
  const flaky: BlobStore = {
    ...blobs,
    size: async (digest) => {
      if (isAway) throw new Error('the store is away');
      return await blobs.size(digest);
    },
    open: (digest) => blobs.open(digest),
    putStream: (source) => blobs.putStream(source),
    list: () => blobs.list(),
  };
  const a = await nodeOf('a');
  await a.import('A-1');
  const given = await a.now();
  const b = await nodeOf('b', { blobs: flaky });
  expect(await b.now()).toBeUndefined();
  expect([b.problem(), b.isBehind()]).toEqual(['the store is away', true]);
  isAway = false;
  expect(await b.now()).toEqual(given);
  expect([b.problem(), b.isBehind()]).toEqual([undefined, false]);
  // A node that has the same asks the store for nothing when it starts.
  isAway = true;
  const c = await nodeOf('c', { blobs: flaky, checkMs: 3_600_000 });
  await mkdir(dirname(c.path));
  await copyFile(a.path, c.path);
  expect(await c.now()).toEqual(given);
  expect(c.problem()).toBeUndefined();
});

test('a stop waits for no store', async () => {
  const begun = Promise.withResolvers<void>();
  const never = () => {
    begun.resolve();
    return new Promise<never>(() => {});
  };
  const a = await nodeOf('a', { blobs: { ...blobs, putStream: never } });
  await a.import('A-1');
  const looking = a.look();
  await begun.promise;
  await a[Symbol.asyncDispose]();
  await looking;
  expect(await row()).toBeUndefined();
  expect(warn).not.toHaveBeenCalled();
});

test('a row that can’t be read counts as none', async () => {
  const [a] = [await nodeOf('a')];
  for (const text of ['no JSON', '{}', '{"blob": "../../x"}', `{"bytes": ${Number.MAX_SAFE_INTEGER}}`]) {
    const { file } = await readSharedRow(store);
    await writeSharedRow(store, JSON.parse(JSON.stringify(text)), { file, advisories: undefined });
    expect(await a.now()).toBeUndefined();
  }
  await a.import('A-1');
  await a.look();
  expect((await row())?.node).toBe('a');
});

test('old snapshots are removed after their time, and a lost one is put back', async () => {
  const [a, b] = [await nodeOf('a', { graceMs: 3_600_000 }), await nodeOf('b')];
  for (const id of ['A-1', 'A-2', 'A-3']) {
    await a.import(id);
    await a.look();
  }
  expect(await blobCount()).toBe(3);
  for (let time = 0; time < 2; time++) await a.sweep();
  expect(await blobCount()).toBe(3);
  await b.sweep();
  expect(await Array.fromAsync(blobs.list())).toEqual([(await row())?.blob]);
  expect((await b.now())?.count).toBe(3);
  for (const digest of await Array.fromAsync(blobs.list())) await blobs.delete(digest);
  await b.look();
  expect(await blobs.size((await row())?.blob ?? ('' as never))).toBeGreaterThan(0);
  expect((await row())?.node).toBe('b');
});
