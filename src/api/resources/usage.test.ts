/** Usage by day, and egress by target: a key sees its own namespace, an operator all of them. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type EgressTargets, newOperatorLogin } from '../../functions/index.ts';
import { newActivationId } from '../../lib/index.ts';
import { basic, hello, startApi, type TestApi } from '../api.fixture.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startApi({ console: true });
});
afterAll(() => api[Symbol.asyncDispose]());

const today = () => new Date().toISOString().slice(0, 10);
const read = (query = '', accept = 'application/json') =>
  api.call('GET', `/ward/v1/usage${query}`, { headers: { accept } });

/** Reads a route as an operator. */
async function logIn(url: string) {
  const own = { 'x-ward-console': '1', 'sec-fetch-site': 'same-origin' };
  const { login } = await newOperatorLogin(api.store.sessions);
  const begun = await api.app.inject({
    ...{ method: 'POST', url: '/console/session', headers: own, payload: { login } },
  });
  const cookie = String(begun.headers['set-cookie']).split(';')[0] ?? '';
  return async (query: string) =>
    (await api.app.inject({ url: `${url}${query}`, headers: { ...own, cookie } })).json();
}

test('a key reads the days of its own namespace, as JSON and as a table', async () => {
  expect((await read()).body).toEqual({ days: [] });
  await api.call('PUT', 'actions/hello', { body: hello });
  await api.call('POST', 'actions/hello?blocking=true');
  await api.call('POST', 'actions/hello?blocking=true');
  const other = await api.functions.namespaces.create('other');
  const headers = { authorization: basic(other) };
  const { body } = await api.call('GET', '/ward/v1/usage?namespace=guest', { headers });
  expect(body).toEqual({ days: [] });

  const days = [expect.objectContaining({ namespace: 'guest', calls: 2, coldStarts: 0 })];
  expect((await read()).body).toEqual({ days });
  expect((await read(`?since=${today()}&until=${today()}`)).body).toEqual({ days });
  expect((await read('?until=2020-01-01')).body).toEqual({ days: [] });
  const table = await read('', 'text/csv');
  expect(table.headers['content-type']).toBe('text/csv; charset=utf-8');
  expect(table.text.split('\r\n').slice(1)).toEqual([
    expect.stringMatching(new RegExp(`^${today()},guest,\\S+Z,2,0,\\d+,`)),
    '',
  ]);
  expect(await read('?since=yesterday')).toMatchObject({
    ...{ status: 400, body: { error: expect.stringContaining('2026-01-31') } },
  });

  await api.functions.namespaces.delete('guest');
  const asOperator = await logIn('/ward/v1/operator/usage');
  expect(await asOperator('')).toEqual({ days });
  expect(await asOperator('?namespace=other')).toEqual({ days: [] });
  expect((await api.app.inject('/ward/v1/operator/usage')).statusCode).toBe(401);
});

test('egress: a key reads the targets of its own namespace, a page at a time', async () => {
  const far = { authorization: basic(await api.functions.namespaces.create('far')) };
  const near = { authorization: basic(await api.functions.namespaces.create('near')) };
  const dayMs = 86_400_000;
  const use = (target: string, refusal = '') => ({
    ...{ target, refusal, port: 443, protocol: 'tcp', attempts: 2, sentBytes: 3, receivedBytes: 5 },
  });
  const call = async (namespace: string, path: string, daysAgo: number, targets: readonly string[]) => {
    const egress = [...targets.map((target) => use(target)), use('evil.example', 'no rule allows it')];
    const usage = { mibMs: 1, isCold: false, sentBytes: 0, receivedBytes: 0, egress };
    const start = Date.now() - daysAgo * dayMs;
    const activationId = newActivationId();
    const ended = { activationId, namespace, path, start, end: start, statusCode: 0 };
    await api.store.activations.addUnrecorded({ ...ended, usage, settles: null });
    return { start, activationId };
  };
  await call('near', 'a', 2, ['api.example']);
  const last = await call('near', 'a', 0, ['api.example', '']);
  await call('near', 'p/b', 30, ['old.example']);
  await call('far', 'a', 0, []);

  const route = '/ward/v1/egress';
  const get = async (query = '', headers = near): Promise<EgressTargets> =>
    JSON.parse((await api.call('GET', `${route}${query}`, { headers })).text);
  const names = ({ targets }: EgressTargets) => targets.map(({ target }) => target);
  const all = await get();
  expect(all).toMatchObject({ next: null });
  expect(names(all)).toEqual([null, 'api.example', 'evil.example']);
  expect(all.targets[1]).toEqual({
    ...{ namespace: 'near', action: 'a', target: 'api.example', port: 443, protocol: 'tcp' },
    ...{ refusal: null, calls: 2, attempts: 4, sentBytes: 6, receivedBytes: 10 },
    ...{ lastAt: last.start, lastActivationId: last.activationId },
  });
  expect(names(await get('?refused=true'))).toEqual(['evil.example']);
  expect(names(await get('?target=API&refused=no'))).toEqual(['api.example']);
  expect(names(await get('?since=2020-01-01&action=p/b'))).toEqual(['evil.example', 'old.example']);
  const first = await get('?limit=1');
  const second = await get(`?limit=1&after=${first.next}`);
  const third = await get(`?limit=9&after=${second.next}`);
  expect([first, second, third].flatMap(names)).toEqual(names(all));
  expect(names(await get('?namespace=near', far))).toEqual(['evil.example']);
  expect(names(await get(`?after=${first.next}`, far))).toEqual([]);
  for (const after of ['x', Buffer.from('["a"]').toString('base64url')])
    expect(await api.call('GET', `${route}?after=${after}`, { headers: near })).toMatchObject({
      status: 400,
    });

  const asOperator = await logIn('/ward/v1/operator/egress');
  const found = await asOperator('?target=evil');
  expect(found.targets).toMatchObject([{ namespace: 'far' }, { namespace: 'near', calls: 2 }]);
  expect(names(await asOperator('?namespace=far&action=a'))).toEqual(['evil.example']);
  expect((await api.app.inject('/ward/v1/operator/egress')).statusCode).toBe(401);
});

test('calls: an operator sees how all namespaces do now, the worst first, and no key does', async () => {
  const now = Date.now();
  const call = (
    namespace: string,
    minutesAgo: number,
    ms: number,
    more: { fails?: boolean; isCold?: boolean } = {},
  ) => {
    const start = now - minutesAgo * 60_000;
    const ended = { activationId: newActivationId(), namespace, path: 'a', start, end: start + ms };
    const usage = { mibMs: 1, isCold: more.isCold ?? false, sentBytes: 0, receivedBytes: 0 };
    const statusCode = more.fails ? 1 : 0;
    return api.store.activations.addUnrecorded({ ...ended, statusCode, usage, settles: null });
  };
  for (const name of ['busy', 'calm', 'unlucky', 'silent']) await api.functions.namespaces.create(name);
  const many = (count: number, of: (index: number) => Promise<unknown>) =>
    Promise.all(Array.from({ length: count }, (_, index) => of(index)));
  await many(200, (index) =>
    call('busy', 1, index < 190 ? 10 : 3000, { fails: index < 10, isCold: index < 50 }),
  );
  await call('calm', 1, 100);
  // One failure of one call is less than ten of two hundred.
  await many(2, (index) => call('unlucky', 1, 10, { fails: index === 0 }));
  await many(30, () => call('calm', 30, 100));

  const asOperator = await logIn('/ward/v1/operator/calls');
  const recent = await asOperator('?window=5m');
  const byName = new Map(recent.namespaces.map((row: { namespace: string }) => [row.namespace, row]));
  expect(recent).toMatchObject({ window: '5m', slotMs: 60_000 });
  expect(
    [...byName.keys()].filter((name) => ['busy', 'calm', 'unlucky', 'silent'].includes(String(name))),
  ).toEqual([...['unlucky', 'busy', 'calm']]);
  const windowSeconds = (Date.now() - recent.since) / 1000;
  const busy = recent.namespaces.find((row: { namespace: string }) => row.namespace === 'busy');
  expect(busy).toMatchObject({ calls: 200, failed: 10, coldStarts: 50 });
  expect(busy.callsPerSecond).toBeCloseTo(200 / windowSeconds, 1);
  expect(Math.abs(busy.p50Ms - 10)).toBeLessThanOrEqual(2.5);
  expect(Math.abs(busy.p99Ms - 3000)).toBeLessThanOrEqual(750);
  expect(busy.slots).toHaveLength(5);
  expect(busy.slots.filter(({ calls }: { calls: number }) => calls > 0)).toEqual([
    { calls: 200, failed: 10 },
  ]);
  expect(byName.get('calm')).toMatchObject({ calls: 1, failed: 0 });

  const hour = await asOperator('');
  expect(hour).toMatchObject({ window: '1h', total: recent.total });
  expect(hour.namespaces.find((row: { namespace: string }) => row.namespace === 'calm').calls).toBe(31);
  const second = await asOperator('?window=1d&limit=1&skip=1');
  expect(second).toMatchObject({
    total: hour.total,
    namespaces: [{ namespace: hour.namespaces[1].namespace }],
  });
  const only = await asOperator('?window=5m&namespace=calm');
  expect(only).toMatchObject({ total: 1, namespaces: [{ namespace: 'calm', calls: 1 }] });
  expect(await asOperator('?namespace=silent')).toMatchObject({ total: 0, namespaces: [] });
  expect(await asOperator('?window=1y')).toMatchObject({ error: expect.stringContaining('5m, 1h, 1d') });

  const guest = await api.call('GET', '/ward/v1/operator/calls');
  expect(guest.status).toBe(401);
});
