/** What is ordered when, with an authority of the test's own: it may be slow, lie, or be told of names that are gone. */
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { createVault, parseNamespaceName } from '../../functions/index.ts';
import { type Log, silentLog } from '../../lib/index.ts';
import { makeAuthority, type TestAuthority } from '../../lib/key-pairs.fixture.ts';
import { openStore } from '../../store/index.ts';
import type { AcmeSetting, OrdersPerDay } from '../config/tls-setting.ts';
import { Issuing } from './issuing.ts';
import { keptAcme } from './kept.ts';
import { OrderBudget } from './order-budget.ts';
import { DomainNames } from './places.ts';

const own = 'ward.example';
const vault = createVault(() => [{ id: 'k1', secret: new Uint8Array(32) }]);
const dayMs = 86_400_000;
let authority: TestAuthority;
let stack: AsyncDisposableStack;
let path: string;
/** Names in the order in which the authority was asked for them. */
let asked: string[];
/** What the authority answers. By default what was asked for. */
let answer: (name: string) => Promise<{ readonly cert: string; readonly key: string }>;

beforeAll(async () => {
  authority = await makeAuthority();
});
afterAll(() => authority[Symbol.asyncDispose]());
beforeEach(async () => {
  stack = new AsyncDisposableStack();
  path = join(stack.use(await mkdtempDisposable(join(tmpdir(), 'ward-issuing-'))).path, 'ward.db');
  asked = [];
  answer = (name) => authority.issue([name]);
});
afterEach(async () => {
  vi.restoreAllMocks();
  await stack.disposeAsync();
});

const domain = (name: string, namespace: string, provedAt = 1) => ({
  ...{ name, namespace: parseNamespaceName(namespace), provedAt },
});
const never = () => false;

/** A server of the database of this test. */
async function server(ordersPerDay: OrdersPerDay = { namespace: 9, all: 99 }, log: Log = silentLog) {
  const store = stack.use(await openStore({ path }));
  const names = new DomainNames(silentLog);
  const budget = new OrderBudget(store.acme, ordersPerDay);
  const looked = vi.spyOn(budget, 'recent');
  const setting: AcmeSetting = {
    ...{ directory: 'https://authority.example', names: [own], email: undefined },
    ...{ challenge: 'http-01', ordersPerDay },
  };
  const issuing = stack.use(
    new Issuing(
      {
        ...{ setting, kept: keptAcme(store.acme, vault), budget, leases: store.leases, pollMs: 5, log },
        async order({ names: [name = ''] }, _accountKey, _kept, admit) {
          if (!(await admit())) return undefined;
          asked.push(name);
          return answer(name);
        },
      },
      names,
    ),
  );
  await issuing.load();
  return {
    ...{ issuing, store, names },
    serve(...domains: readonly ReturnType<typeof domain>[]) {
      names.set(domains, never);
      issuing.look();
    },
    /** Until it has had a look at everything several times. */
    async idles() {
      const before = looked.mock.calls.length;
      await until(() => looked.mock.calls.length > before + 3);
    },
  };
}

const until = <T>(holds: () => T) => vi.waitUntil(holds, { timeout: 10_000, interval: 5 });
const askedFor = (count: number) => until(() => asked.length === count);

test('the server’s own names come first, and then the namespace with the fewest orders', async () => {
  const { names, issuing } = await server();
  const many = [1, 2, 3].map((i) => domain(`a${i}.example`, 'one', i));
  names.set([...many, domain('b1.example', 'two', 9)], never);
  issuing.start(() => {});
  await askedFor(5);
  expect(asked).toEqual([own, 'a1.example', 'b1.example', 'a2.example', 'a3.example']);
});

test('new names, other servers, a restart, and time do not add orders', async () => {
  const warn = vi.fn<Log['warn']>();
  const limits = { namespace: 2, all: 3 };
  const [a, b] = [await server(limits, { ...silentLog, warn }), await server(limits)];
  const round = (from: number) => [
    ...[0, 1, 2].map((i) => domain(`a${from + i}.example`, 'one', i)),
    ...[0, 1, 2].map((i) => domain(`b${from + i}.example`, 'two', i)),
  ];
  for (const each of [a, b]) {
    each.issuing.start(() => {});
    each.serve(...round(0));
  }
  await askedFor(4);
  for (let from = 3; from < 9; from += 3) {
    for (const each of [a, b]) each.serve(...round(from));
    await Promise.all([a.idles(), b.idles()]);
  }
  const c = await server(limits);
  c.serve(...round(0));
  c.issuing.start(() => {});
  await c.idles();
  expect(asked.toSorted()).toEqual(['a0.example', 'a1.example', 'b0.example', own].toSorted());
  const told = warn.mock.calls.filter(([, text]) => text === 'certificates of domains have to wait');
  expect(told.map(([about]) => about)).toMatchObject([{ namespace: 'one' }, { namespace: 'two' }]);
  // The server's own goes on.
  await c.store.acme.delete('certificate', own);
  await askedFor(5);
  expect(asked.at(-1)).toBe(own);
  const tomorrow = Date.now() + dayMs;
  vi.spyOn(Date, 'now').mockImplementation(() => tomorrow);
  answer = () => Promise.reject(new Error('no'));
  await until(() => asked.filter((name) => name !== own).length > 3);
});

test('an order that fails counts, and an authority that is away does not', async () => {
  answer = () => Promise.reject(new Error('no'));
  const { issuing, store, serve } = await server();
  issuing.start(() => {});
  serve(domain('a.example', 'one'));
  await askedFor(2);
  await until(() => issuing.of('a.example')?.failures === 1);
  expect((await new OrderBudget(store.acme, { namespace: 9, all: 9 }).recent()).of('one')).toBe(1);
});

test('a domain that was given up and comes back has its certificate again, also on another server', async () => {
  const a = await server();
  a.issuing.start(() => {});
  a.serve(domain('a.example', 'one'));
  await until(() => a.issuing.of('a.example')?.pair);
  const pair = a.issuing.of('a.example')?.pair;
  a.serve();
  // It looks for what nobody needs when it orders.
  a.serve(domain('b.example', 'one'));
  await askedFor(3);
  a.serve(domain('a.example', 'two'));
  const b = await server();
  b.issuing.start(() => {});
  b.serve(domain('a.example', 'two'));
  await Promise.all([a.idles(), b.idles()]);
  for (const { issuing } of [a, b]) expect(issuing.of('a.example')?.pair).toEqual(pair);
  expect(asked).toHaveLength(3);
});

test('what came for a domain that was given up meanwhile is kept', async () => {
  const { issuing, serve, idles } = await server();
  const coming = Promise.withResolvers<Awaited<ReturnType<typeof answer>>>();
  issuing.start(() => {});
  await askedFor(1);
  answer = () => coming.promise;
  serve(domain('a.example', 'one'));
  await askedFor(2);
  serve();
  coming.resolve(await authority.issue(['a.example']));
  await until(() => issuing.of('a.example')?.pair);
  serve(domain('a.example', 'one'));
  await idles();
  expect(asked).toHaveLength(2);
});

test('a domain that was given up and comes back goes on with the pause after its failure', async () => {
  answer = () => Promise.reject(new Error('no'));
  const { issuing, serve, idles } = await server();
  issuing.start(() => {});
  serve(domain('a.example', 'one'));
  await until(() => issuing.of('a.example')?.failures === 1);
  serve(domain('b.example', 'one'));
  await until(() => issuing.of('b.example')?.failures === 1);
  serve(domain('a.example', 'one'));
  await idles();
  expect(asked).toEqual([own, 'a.example', 'b.example']);
});

test('of certificates of domains that are gone, those that end last are kept, and none that has ended', async () => {
  const { issuing, store } = await server();
  const put = (name: string, untilDays: number) => {
    const until = Date.now() + untilDays * dayMs;
    const document = { sealed: null, until, dueAt: until, failures: 0, triedAt: 1, error: null };
    return store.acme.put({ kind: 'certificate', name, document }, null);
  };
  await put('ended.example', -1);
  for (let i = 0; i < 102; i++) await put(`${i}.example`, 1 + i);
  issuing.start(() => {});
  await until(() => issuing.own()?.pair);
  const left = (await store.acme.list('certificate')).map(({ name }) => name).filter((name) => name !== own);
  expect(left).toHaveLength(100);
  for (const name of ['0.example', '1.example', 'ended.example']) expect(left).not.toContain(name);
});

test('a certificate for another name, or without its key, is a failure, and the one in use stays', async () => {
  const { issuing, store, serve } = await server();
  issuing.start(() => {});
  serve(domain('a.example', 'one'));
  await until(() => issuing.of('a.example')?.pair);
  const pair = issuing.of('a.example')?.pair;
  const due = async () => {
    const row = await store.acme.get('certificate', 'a.example');
    const document = { ...row?.document, dueAt: 0 };
    await store.acme.put({ kind: 'certificate', name: 'a.example', document }, row?.revision ?? null);
  };
  const failsWith = async (failures: number, error: string) => {
    await due();
    await until(() => issuing.of('a.example')?.failures === failures);
    expect(issuing.of('a.example')).toMatchObject({ pair, error: expect.stringContaining(error) });
  };
  answer = () => authority.issue([own]);
  await failsWith(1, 'it is not for a.example');
  answer = async (name) => ({ ...(await authority.issue([name])), key: pair?.key ?? '' });
  await failsWith(2, 'is not the key');
  answer = () => Promise.reject(new Error('x'.repeat(9000)));
  await failsWith(3, 'x'.repeat(500));
  expect(issuing.of('a.example')?.error).toHaveLength(500);
});

test('an authority whose certificates began long ago is not asked again at once', async () => {
  const soon = `${new Date(Date.now() + 3_600_000).toISOString().replace(/\D/g, '').slice(0, 14)}Z`;
  answer = (name) => authority.issue([name], soon);
  const { issuing, idles } = await server();
  issuing.start(() => {});
  await until(() => issuing.own()?.pair);
  await idles();
  expect(asked).toEqual([own]);
});

test('a clock that is wrong for a while takes no certificate away, and silences no order', async () => {
  answer = () => Promise.reject(new Error('no'));
  const earlier = await server();
  const real = Date.now();
  const setClock = (days: number) => vi.spyOn(Date, 'now').mockReturnValue(real + days * dayMs);
  setClock(400);
  earlier.issuing.start(() => {});
  await until(() => earlier.issuing.own()?.failures === 1);
  await earlier.issuing[Symbol.asyncDispose]();
  vi.mocked(Date.now).mockRestore();
  answer = (name) => authority.issue([name]);
  const { issuing, idles } = await server();
  issuing.start(() => {});
  await until(() => issuing.own()?.pair);
  const pair = issuing.own()?.pair;
  answer = () => Promise.reject(new Error('no'));
  for (const [days, orders] of [
    [-5, 2],
    [400, 3],
  ] as const) {
    setClock(days);
    issuing.look();
    await askedFor(orders);
    await idles();
    expect(issuing.own()?.pair).toEqual(pair);
    expect((await server()).issuing.own()?.pair).toEqual(pair);
  }
});

test('a failure is noted although the row was written meanwhile', async () => {
  const { issuing, store, idles } = await server();
  answer = async () => {
    await store.acme.put({ kind: 'certificate', name: own, document: {} }, null);
    throw new Error('no');
  };
  issuing.start(() => {});
  await until(() => issuing.own()?.failures === 1);
  await idles();
  expect(asked).toEqual([own]);
});
