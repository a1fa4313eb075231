/** Orders are counted for each namespace over 24 hours, whoever counts at the same time. */
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { parseNamespaceName } from '../../functions/index.ts';
import { openStore, type Store } from '../../store/index.ts';
import type { OrdersPerDay } from '../config/tls-setting.ts';
import { domainCertificate } from './kept.ts';
import { OrderBudget } from './order-budget.ts';
import type { CertificatePlace } from './places.ts';

const dayMs = 86_400_000;
const noon = Date.parse('2027-03-01T12:00:00Z');
const midnight = Date.parse('2027-03-02T00:00:00Z');
let stores: readonly Store[];

beforeEach(async () => {
  const folder = await mkdtempDisposable(join(tmpdir(), 'ward-budget-'));
  const open = () => openStore({ path: join(folder.path, 'ward.db') });
  stores = [await open(), await open()];
  const clock = vi.spyOn(Date, 'now').mockReturnValue(noon);
  onTestFinished(async () => {
    clock.mockRestore();
    for (const store of stores) await store[Symbol.asyncDispose]();
    await folder.remove();
  });
});

function budgetsOf(limits: OrdersPerDay): readonly OrderBudget[] {
  return stores.map(({ acme }) => new OrderBudget(acme, limits));
}

const timesTaken = async (budgets: readonly OrderBudget[], namespaces: readonly string[]) => {
  const taken = await Promise.all(
    budgets.flatMap((budget) => namespaces.map((namespace) => budget.take(namespace))),
  );
  return taken.filter(Boolean).length;
};

test('servers that count at once give a namespace no more than its orders, and all no more than theirs', async () => {
  const budgets = budgetsOf({ namespace: 3, all: 5 });
  // The name of a property of every object is a name like others.
  expect(await timesTaken(budgets, Array(4).fill('__proto__'))).toBe(3);
  expect((await budgets[0]?.recent())?.of('__proto__')).toBe(3);
  expect(await timesTaken(budgets, ['one', 'two', 'three', 'four'])).toBe(2);
  const recent = await budgetsOf({ namespace: 3, all: 5 })[1]?.recent();
  expect(recent?.refusal('__proto__')).toEqual({
    reason: expect.stringMatching(/^the namespace has used up its 3 orders/),
    endsAt: noon + dayMs,
  });
  expect(recent?.refusal('five')).toEqual({
    reason: expect.stringMatching(/^the namespaces of this server have used up all orders/),
    endsAt: noon + dayMs,
  });
});

const at = (time: number) => vi.mocked(Date.now).mockReturnValue(time);

test('an order counts for 24 hours, so midnight gives no second share', async () => {
  const [budget, other] = budgetsOf({ namespace: 2, all: 9 });
  expect(await budget?.take('one')).toBe(true);
  at(midnight - 1);
  expect(await other?.take('one')).toBe(true);
  expect(await other?.take('one')).toBe(false);
  for (const time of [midnight, noon + dayMs - 1]) {
    at(time);
    expect(await other?.take('one')).toBe(false);
    expect((await budget?.recent())?.refusal('one')?.endsAt).toBe(noon + dayMs);
  }
  at(noon + dayMs);
  expect((await budget?.recent())?.of('one')).toBe(1);
  expect(await budget?.take('one')).toBe(true);
  expect((await other?.recent())?.refusal('one')?.endsAt).toBe(midnight - 1 + dayMs);
});

test('with a limit that is lower now, the next order waits until fewer count', async () => {
  const [generous] = budgetsOf({ namespace: 9, all: 9 });
  for (const minute of [0, 1, 2, 3]) {
    at(noon + minute);
    await generous?.take('one');
  }
  const [strict] = budgetsOf({ namespace: 2, all: 9 });
  expect((await strict?.recent())?.refusal('one')?.endsAt).toBe(noon + 2 + dayMs);
  const [closed] = budgetsOf({ namespace: 0, all: 9 });
  expect((await closed?.recent())?.refusal('one')?.endsAt).toBe(noon + 3 + dayMs);
});

test('a server whose clock is ahead counts too, and one that was far ahead holds up nothing', async () => {
  const [ahead, here] = budgetsOf({ namespace: 1, all: 9 });
  for (const [time, isFree] of [
    [midnight + 30 * dayMs, true],
    [midnight, false],
  ] as const) {
    at(time);
    await ahead?.take('one');
    at(midnight - 1);
    expect((await here?.recent())?.refusal('one') === undefined).toBe(isFree);
  }
});

test('dates of the past are removed', async () => {
  const [budget] = budgetsOf({ namespace: 9, all: 9 });
  await budget?.take('one');
  at(midnight);
  await budget?.take('one');
  await budget?.forgetOld();
  expect(await stores[0]?.acme.list('orders')).toHaveLength(2);
  at(midnight + 3 * dayMs);
  await budget?.forgetOld();
  expect(await stores[0]?.acme.list('orders')).toEqual([]);
});

test('orders that can’t be read allow nothing, for two days', async () => {
  const [budget] = budgetsOf({ namespace: 5, all: 9 });
  const row = { kind: 'orders', name: '2027-03-01', document: { orders: [['one', 'x']] } } as const;
  await stores[0]?.acme.put(row, null);
  expect(await budget?.take('one')).toBe(false);
  expect((await budget?.recent())?.refusal('two')?.reason).toContain('all orders');
  at(midnight + dayMs);
  expect(await budget?.take('one')).toBe(true);
});

test('a namespace sees that its domain waits, why, and until when', async () => {
  const [acme, budget] = [stores[0]?.acme, budgetsOf({ namespace: 1, all: 2 })[0]];
  if (acme === undefined || budget === undefined) throw new Error('no store');
  const shown = (name: string, namespace = 'one', place: CertificatePlace = 'ordered') =>
    domainCertificate({ acme, budget }, { name, namespace: parseNamespaceName(namespace) }, place);
  expect(await shown('new.example')).toBeUndefined();
  await budget.take('one');
  const nothing = { issuer: null, until: null, triedAt: null, failures: 0 };
  const refused = { error: expect.stringContaining('its 1 orders'), nextTryAt: noon + dayMs };
  expect(await shown('new.example')).toEqual({ ...nothing, ...refused });
  expect(await shown('new.example', 'two')).toBeUndefined();
  // It needs none.
  expect(await shown('new.example', 'one', 'none')).toBeUndefined();
  await budget.take('two');
  expect(await shown('new.example', 'three')).toMatchObject({ error: expect.stringContaining('all orders') });
  const put = (name: string, dueAt: number) => {
    const times = { until: midnight + 1, triedAt: noon - 9, failures: 1, error: 'no such host' };
    const document = { sealed: null, issuer: 'An Authority', dueAt, ...times };
    return acme.put({ kind: 'certificate', name, document }, null);
  };
  const known = { issuer: 'An Authority', until: midnight + 1, triedAt: noon - 9, failures: 1 };
  await put('due.example', noon);
  expect(await shown('due.example')).toEqual({ ...known, triedAt: null, failures: 0, ...refused });
  // It is not its turn, so nothing else keeps it from being ordered.
  await put('later.example', noon + 1);
  expect(await shown('later.example')).toEqual({
    ...known,
    ...{ error: 'the name does not lead to Ward in DNS', nextTryAt: noon + 1 },
  });
});
