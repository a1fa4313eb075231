/** Orders are counted for each namespace and day, whoever counts at the same time. */
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
  expect((await budgets[0]?.today())?.of('__proto__')).toBe(3);
  expect(await timesTaken(budgets, ['one', 'two', 'three', 'four'])).toBe(2);
  const today = await budgetsOf({ namespace: 3, all: 5 })[1]?.today();
  expect(today?.refusal('__proto__')).toMatch(/^the namespace has used up its 3 orders/);
  expect(today?.refusal('five')).toMatch(/^the namespaces of this server have used up all orders/);
  expect(today?.endsAt).toBe(midnight);
});

test('a new day begins at midnight, and days of the past are removed', async () => {
  const [budget, other] = budgetsOf({ namespace: 1, all: 9 });
  expect(await budget?.take('one')).toBe(true);
  vi.mocked(Date.now).mockReturnValue(midnight - 1);
  expect(await other?.take('one')).toBe(false);
  vi.mocked(Date.now).mockReturnValue(midnight);
  expect(await other?.take('one')).toBe(true);
  await budget?.forgetOld();
  expect(await stores[0]?.acme.list('orders')).toHaveLength(2);
  vi.mocked(Date.now).mockReturnValue(midnight + 3 * 86_400_000);
  await budget?.forgetOld();
  expect(await stores[0]?.acme.list('orders')).toEqual([]);
});

test('counts that can’t be read allow nothing', async () => {
  const [budget] = budgetsOf({ namespace: 5, all: 9 });
  const row = { kind: 'orders', name: '2027-03-01', document: { counts: [['one', -1]] } } as const;
  await stores[0]?.acme.put(row, null);
  expect(await budget?.take('one')).toBe(false);
  expect((await budget?.today())?.refusal('two')).toContain('all orders');
});

test('a namespace sees that its domain waits, why, and until when', async () => {
  const [acme, budget] = [stores[0]?.acme, budgetsOf({ namespace: 1, all: 2 })[0]];
  if (acme === undefined || budget === undefined) throw new Error('no store');
  const shown = (name: string, namespace = 'one', place: CertificatePlace = 'ordered') =>
    domainCertificate({ acme, budget }, { name, namespace: parseNamespaceName(namespace) }, place);
  expect(await shown('new.example')).toBeUndefined();
  await budget.take('one');
  const nothing = { issuer: null, until: null, triedAt: null, failures: 0 };
  const refused = { error: expect.stringContaining('its 1 orders'), nextTryAt: midnight };
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
