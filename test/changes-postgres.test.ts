/** Two servers on one PostgreSQL: what one changes, the other one soon drops from its caches, and nothing else. */
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import { openBus } from '../src/bus/index.ts';
import { missingForNats, startNats } from '../src/bus/nats-server.fixture.ts';
import { join, newClusterName } from '../src/dispatch/cluster/cluster.fixture.ts';
import { trustMs } from '../src/functions/entities/change-watch.ts';
import type { Functions } from '../src/functions/functions.ts';
import {
  basic,
  hello,
  type Platform,
  type PlatformOptions,
  ref,
  startPlatform,
} from '../src/functions/platform.fixture.ts';
import { silentLog } from '../src/lib/index.ts';
import type { Store } from '../src/store/index.ts';
import { newDatabase } from '../src/store/postgres/databases.fixture.ts';
import { openPostgresStore } from '../src/store/postgres/open.ts';
import { missingForPostgres, startPostgres } from '../src/store/postgres/server.fixture.ts';

const missing = await missingForPostgres();
const server = missing === undefined ? await startPostgres() : undefined;
afterAll(() => server?.[Symbol.asyncDispose]());
afterEach(() => void vi.restoreAllMocks());

interface Servers extends AsyncDisposable {
  readonly platform: Platform;
  readonly a: Functions;
  readonly b: Functions;
  /** What each server has read so far, of what it keeps in caches. */
  readonly reads: readonly string[][];
}

async function startServers(more: Pick<PlatformOptions, 'onChanged' | 'lookEveryMs'> = {}): Promise<Servers> {
  const { url } = await newDatabase(server);
  const reads: string[][] = [];
  const openStore = async () => {
    const own: string[] = [];
    reads.push(own);
    return counted(await openPostgresStore({ url }), own);
  };
  const platform = await startPlatform({ isAlone: false, openStore, ...more });
  const b = await platform.restart();
  return {
    platform,
    a: platform.functions,
    b,
    reads,
    [Symbol.asyncDispose]: () => platform[Symbol.asyncDispose](),
  };
}

function counted(store: Store, reads: string[]): Store {
  const { entities, namespaces } = store;
  return {
    ...store,
    entities: {
      ...entities,
      get: (namespace, path) => {
        reads.push(`${namespace}/${path}`);
        return entities.get(namespace, path);
      },
    },
    namespaces: {
      ...namespaces,
      byKeyId: (keyId) => {
        reads.push(keyId);
        return namespaces.byKeyId(keyId);
      },
    },
  };
}

/** Creates a namespace with an action `hello`, and returns its key's header. */
async function tenant({ namespaces, actions }: Functions, name: string): Promise<string> {
  const header = basic(await namespaces.create(name));
  await actions.put(ref('hello', name), hello, false, await namespaces.authenticate(header));
  return header;
}

/** Calls `hello` with a key, and returns the version that ran. */
async function call({ platform }: Servers, { namespaces, invocations }: Functions, header: string) {
  const identity = await namespaces.authenticate(header);
  const action = ref('hello', identity.namespace);
  const caller = { identity, transactionId: 't1', authorization: header };
  await invocations.invoke({ ...caller, action, payload: {}, waitMs: 5000 });
  return platform.invoker.jobs.at(-1)?.version;
}

function opens({ namespaces }: Functions, header: string): Promise<unknown> {
  return Promise.resolve()
    .then(() => namespaces.authenticate(header))
    .then(
      () => true,
      (error) => error.code,
    );
}

describe.skipIf(missing !== undefined)(`PostgreSQL${missing ? ` (${missing})` : ''}`, () => {
  test('a key that one server revokes is refused by the other one within a second', async () => {
    await using servers = await startServers();
    const { a, b } = servers;
    const { key, keyId } = await a.namespaces.createKey('guest', { scope: 'full' });
    expect(await opens(b, basic(key))).toBe(true);
    const revokedAt = performance.now();
    await a.namespaces.deleteKey('guest', keyId);
    await expect.poll(() => opens(b, basic(key)), { interval: 10 }).toBe('AUTHENTICATION_INVALID');
    expect(performance.now() - revokedAt).toBeLessThan(1000);
  });

  test('what is open on one server ends within a second after another one has revoked its key', async () => {
    await using servers = await startServers();
    const { a, b } = servers;
    const { key, keyId } = await a.namespaces.createKey('guest', { scope: 'full' });
    const identity = await b.namespaces.authenticate(basic(key));
    const { token } = await a.sessions.begin(key);
    const endedAt = Promise.all(
      [undefined, token].map(
        (session) =>
          new Promise((resolve) =>
            b.credentials.watch({ identity, session }, (end) => resolve([end, performance.now()])),
          ),
      ),
    );
    const logoutAt = performance.now();
    await a.sessions.end(token, 'key');
    await a.namespaces.deleteKey('guest', keyId);
    for (const [end, at] of (await endedAt) as [string, number][]) {
      expect(end).toBe('ended');
      expect(at - logoutAt).toBeLessThan(1000);
    }
  });

  test('a hint makes it look at once', async () => {
    let looked: Promise<void> | undefined;
    const hint = vi.fn();
    await using servers = await startServers({ onChanged: hint });
    const { a, b } = servers;
    hint.mockImplementation(() => {
      looked = b.lookForChanges();
    });
    const { key, keyId } = await a.namespaces.createKey('guest', { scope: 'full' });
    expect(await opens(b, basic(key))).toBe(true);
    await a.namespaces.deleteKey('guest', keyId);
    await looked;
    expect(await opens(b, basic(key))).toBe('AUTHENTICATION_INVALID');
  });

  test('a hint over the bus ends a key and an old action long before the next look', async ({ skip }) => {
    const missingBus = await missingForNats();
    if (missingBus !== undefined) skip(missingBus);
    await using stack = new AsyncDisposableStack();
    const nats = stack.use(await startNats());
    const cluster = newClusterName();
    const joined = async (node: string, onChanged: () => void) => {
      const addresses = { ...nats, name: node, messageBytes: 512 * 1024, log: silentLog };
      const bus = stack.use(await openBus(addresses));
      await bus.untilUp(30_000);
      return stack.use(await join(bus, { node, cluster, onChanged }));
    };
    const server = { b: undefined as Functions | undefined };
    const here = await joined('a', () => {});
    const there = await joined('b', () => void server.b?.lookForChanges());
    await expect.poll(() => [here, there].map((each) => each.nodes().length)).toEqual([1, 1]);
    const servers = stack.use(await startServers({ onChanged: here.changed, lookEveryMs: 600_000 }));
    const { a, b, platform } = servers;
    server.b = b;
    await a.actions.put(ref('hello'), hello, false, platform.guest);
    const { key, keyId } = await a.namespaces.createKey('guest', { scope: 'full' });
    await expect.poll(() => opens(b, basic(key))).toBe(true);
    expect(await call(servers, b, platform.authorization)).toBe('0.0.1');
    const changedAt = performance.now();
    await a.namespaces.deleteKey('guest', keyId);
    await a.actions.put(ref('hello'), hello, true, platform.guest);
    await expect.poll(() => opens(b, basic(key)), { interval: 10 }).toBe('AUTHENTICATION_INVALID');
    await expect.poll(() => call(servers, b, platform.authorization)).toBe('0.0.2');
    // Without a hint it looks when it has trusted what it knows for 30 s.
    expect(performance.now() - changedAt).toBeLessThan(trustMs / 3);
  });

  test('an action that one server updates runs in its new revision on the other, and other entries stay', async () => {
    await using servers = await startServers();
    const { a, b, platform, reads } = servers;
    const other = await tenant(a, 'other');
    const guest = platform.authorization;
    await a.actions.put(ref('hello'), hello, false, platform.guest);
    for (const header of [guest, other]) expect(await call(servers, b, header)).toBe('0.0.1');
    // Its own look at the writes above must be over.
    await b.lookForChanges();
    for (const header of [guest, other]) await call(servers, b, header);
    const seen = reads[1]?.length;
    await a.actions.put(ref('hello'), hello, true, platform.guest);
    await expect.poll(() => call(servers, b, guest)).toBe('0.0.2');
    expect(await call(servers, b, other)).toBe('0.0.1');
    expect(reads[1]?.slice(seen)).toEqual(['guest/hello']);
  });

  test('without its database, a server trusts what it knows for 30 s and then refuses every key', async () => {
    await using servers = await startServers();
    const { a, b, platform } = servers;
    await a.actions.put(ref('hello'), hello, false, platform.guest);
    await b.lookForChanges();
    await call(servers, b, platform.authorization);
    await server?.crash();
    await using _ = { [Symbol.asyncDispose]: async () => server?.start() };
    await b.lookForChanges();
    expect(await call(servers, b, platform.authorization)).toBe('0.0.1');
    const now = performance.now.bind(performance);
    vi.spyOn(performance, 'now').mockImplementation(() => now() + trustMs);
    for (const header of [platform.authorization, basic('x')])
      expect(await opens(b, header)).toBe('AUTHENTICATION_STALE');
  });
});
