import { describe, expect, test } from 'vitest';
import type { ActivationRow } from '../../store/index.ts';
import { completion, hello, ref, startPlatform } from '../platform.fixture.ts';
import { createLogSearch, type SearchBounds } from './log-search.ts';

/** Records of one namespace: when each started, and its lines. */
function storeOf(records: readonly { readonly start: number; readonly lines: readonly string[] }[]) {
  const rows = records.map(({ start }, at) => ({
    activationId: `a${at}`,
    namespace: 'guest',
    path: 'hello',
    start,
  }));
  return {
    list: async ({ upto = 0, skip, limit }: { upto?: number; skip: number; limit: number }) =>
      rows
        .toSorted((a, b) => b.start - a.start)
        .filter(({ start }) => start <= upto)
        .slice(skip, skip + limit) as unknown as ActivationRow[],
    logs: async (_: string, id: string) => records[Number(id.slice(1))]?.lines,
  };
}

const bounds: SearchBounds = { records: 1000, bytes: 1_000_000, ms: 60_000 };
const search = { namespace: 'guest', text: 'x', limit: 10 };

test('finds lines of real records by text, action and time', async () => {
  await using platform = await startPlatform();
  const { functions, guest, invoker, authorization } = platform;
  for (const name of ['a', 'b']) {
    invoker.script = () =>
      completion({}, { log: Promise.resolve([`t stdout: from ${name}`, 't stderr: other']) });
    await functions.actions.put(ref(name), hello, false, guest);
    const more = { payload: {}, waitMs: 5000, transactionId: 't', authorization };
    await functions.invocations.invoke({ identity: guest, action: ref(name), ...more });
  }
  const find = (more: object) =>
    functions.searchLogs({ namespace: 'guest', text: 'from', limit: 10, ...more });
  await expect.poll(async () => (await find({})).lines.length).toBe(2);
  expect((await find({ path: 'a' })).lines).toEqual([
    { activationId: expect.stringMatching(/^[0-9a-f]{32}$/), action: 'a', line: 't stdout: from a' },
  ]);
  expect(await find({ text: 'nothing' })).toEqual({ lines: [], cut: 0, next: null });
  expect(await find({ since: Date.now() + 60_000 })).toEqual({ lines: [], cut: 0, next: null });
  expect(await find({ namespace: 'other' })).toEqual({ lines: [], cut: 0, next: null });
  expect((await find({ text: '' })).lines).toHaveLength(4);
});

describe('searches one after the other', () => {
  const records = Array.from({ length: 250 }, (_, at) => ({
    start: 1000 + Math.floor(at / 3),
    lines: [`x${at}`, 'y'],
  }));

  test.each([
    ['lines', { ...search, limit: 7 }, bounds],
    ['records', { ...search, limit: 1000 }, { ...bounds, records: 20 }],
    ['bytes', { ...search, limit: 1000 }, { ...bounds, bytes: 50 }],
    ['time', { ...search, limit: 1000 }, { ...bounds, ms: 0 }],
  ])('that end by their number of %s find each line once', async (_, asked, within) => {
    const run = createLogSearch(storeOf(records), within);
    const found: string[] = [];
    let rounds = 0;
    for (let upto: number | null = 5000; upto !== null; rounds++) {
      const page: Awaited<ReturnType<typeof run>> = await run({ ...asked, upto });
      found.push(...page.lines.map(({ line }) => line));
      upto = page.next;
    }
    expect(rounds).toBeGreaterThan(5);
    expect(found).toHaveLength(250);
    expect(new Set(found).size).toBe(250);
  });
});

test('an activation with many such lines gives the first 200, and says how many it left out', async () => {
  const lines = Array.from({ length: 1000 }, (_, at) => `x${at}`);
  const found = await createLogSearch(storeOf([{ start: 1, lines }]), bounds)(search);
  expect([found.lines.length, found.cut, found.next]).toEqual([200, 800, null]);
});

test('a namespace has one search at a time, and another one need not wait for all of its', async () => {
  const store = storeOf([{ start: 1, lines: ['x'] }]);
  const [asked, hold] = [[] as string[], Promise.withResolvers<void>()];
  const run = createLogSearch({
    logs: store.logs,
    list: async (query) => {
      asked.push(query.namespace);
      if (query.namespace === 'busy') await hold.promise;
      return store.list(query);
    },
  });
  const busy = Array.from({ length: 20 }, () => run({ ...search, namespace: 'busy' }));
  await run({ ...search, namespace: 'quiet' });
  expect(asked).toEqual(['busy', 'quiet']);
  hold.resolve();
  await Promise.all(busy);
});
