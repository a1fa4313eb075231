/** Random calls on two servers: what each day counts is the sum of its records. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { JsonObject } from '../../lib/index.ts';
import { completion, type EndedJob, failure, hello, ref, startPlatform } from '../platform.fixture.ts';
import { sampleAll } from './stored-samples.ts';
import { parseDay, type UsageRow, usageCsv, usageRows } from './usage.ts';

const day = Date.parse('2026-01-31T00:00:00Z');

const outcomes: Readonly<Record<string, (startedAt: number, ms: number) => EndedJob>> = {
  warm: (startedAt, ms) =>
    completion({}, { startedAt, endedAt: startedAt + ms, traffic: { sentBytes: ms, receivedBytes: 3 } }),
  cold: (startedAt, ms) =>
    completion({}, { startedAt, endedAt: startedAt + ms, start: 'cold', initMs: 1, sandboxMs: 1 }),
  failing: (startedAt, ms) => ({
    ...failure('application error', 'no'),
    ...{ startedAt, endedAt: startedAt + ms },
  }),
  late: (startedAt, ms) => ({
    ...failure('action developer error', 'The action exceeded its time limits.'),
    ...{ startedAt, endedAt: startedAt + ms, timedOut: true },
  }),
  broken: (startedAt, ms) => ({
    ...failure('whisk internal error', 'gone'),
    ...{ startedAt, endedAt: startedAt + ms },
  }),
};

const calls = fc.array(
  fc.record({
    action: fc.constantFrom('small', 'large', 'two'),
    outcome: fc.constantFrom(...Object.keys(outcomes)),
    /** Around midnight, so that calls begin on one day and end on the next. */
    startedAt: fc.integer({ min: day - 2_000, max: day + 2_000 }),
    ms: fc.integer({ min: 0, max: 5_000 }),
  }),
  { minLength: 1, maxLength: 30 },
);

test('the sums equal the records, of calls of all kinds, on two servers', async () => {
  await using platform = await startPlatform({ isAlone: false });
  const { functions, guest, invoker, store } = platform;
  const second = await platform.restart();
  for (const [name, memory] of [
    ['small', 128],
    ['large', 512],
  ] as const)
    await functions.actions.put(ref(name), { ...hello, limits: { memory } }, false, guest);
  const exec = { kind: 'sequence', components: ['/_/small', '/_/large'] };
  await functions.actions.put(ref('two'), { exec }, false, guest);
  await fc.assert(
    fc.asyncProperty(calls, async (some) => {
      const ends = some.map(({ outcome, startedAt, ms }) => outcomes[outcome]?.(startedAt, ms));
      let at = 0;
      invoker.script = () => ends[at++ % ends.length] ?? completion({});
      const servers = [functions, second];
      await Promise.all(
        some.map(({ action }, index) =>
          (servers[index % 2] ?? second).invocations.invoke({
            ...{ identity: guest, action: ref(action), payload: {}, transactionId: 't' },
            ...{ waitMs: 5_000, authorization: platform.authorization },
          }),
        ),
      );
      await Promise.all([store.activations.flush(), second.activations.count({ namespace: 'guest' })]);
      const rows = await store.activations.list({ namespace: 'guest', skip: 0, limit: 10_000 });
      expect(await sumsOf(usageRows(store.usage, everything))).toEqual(expected(rows));
      expect(await store.usage.problems()).toEqual([]);
    }),
    { numRuns: 8 },
  );
});

test('calls without records count, and what never began counts only as a call', async () => {
  await using platform = await startPlatform();
  const { functions, invoker, store } = platform;
  await functions.actions.put(ref('hello'), hello, false, platform.guest);
  await functions.namespaces.setLimits('guest', { storeActivations: false });
  const identity = await functions.namespaces.authenticate(platform.authorization);
  const call = (waitMs: number | undefined) =>
    functions.invocations.invoke({
      ...{ identity, action: ref('hello'), payload: {}, transactionId: 't' },
      ...{ waitMs, authorization: platform.authorization },
    });
  const [traffic, sent] = [
    { sentBytes: 7, receivedBytes: 9 },
    { sentBytes: 14, receivedBytes: 18 },
  ];
  invoker.script = () => completion({}, { startedAt: day, endedAt: day + 10, start: 'cold', traffic });
  await call(5_000);
  await call(undefined);
  await expect.poll(() => store.accepted.pending(1)).toEqual([]);
  await expect
    .poll(() => sumsOf(usageRows(store.usage, everything)))
    .toEqual({ '2026-01-31': { calls: 2, coldStarts: 2, mibMs: 2 * 10 * 256, ...sent } });
  expect(await functions.activations.count({ namespace: 'guest' })).toBe(0);
  expect(await store.usage.problems()).toEqual([]);
});

test('reads page after page, and writes a table', async () => {
  const all = Array.from({ length: 1_200 }, (_, at) => ({
    ...{ day: at, namespace: '=a', createdAt: 0, calls: 1, coldStarts: 2, mibMs: 1_024 },
    ...{ storedByteHours: 9, storedHours: 3, sentBytes: 5, receivedBytes: 6 },
  }));
  const days: Parameters<typeof usageRows>[0]['days'] = async (_, after, limit) =>
    all.slice((after?.day ?? -1) + 1).slice(0, limit);
  const lines = await Array.fromAsync(usageCsv(usageRows({ days }, everything)));
  expect(lines).toHaveLength(1 + all.length);
  expect(lines.slice(0, 2)).toEqual([
    'day,namespace,createdAt,calls,coldStarts,mibMs,gibSeconds,storedByteHours,storedHours,sentBytes,receivedBytes\r\n',
    "1970-01-01,'=a,1970-01-01T00:00:00.000Z,1,2,1024,0.001,9,3,5,6\r\n",
  ]);
});

test('a sample has code, records and images of each namespace', async () => {
  await using platform = await startPlatform();
  const { functions, store } = platform;
  for (let at = 0; at < 101; at++) await functions.namespaces.create(`n${at}`);
  await functions.actions.put(ref('hello'), hello, false, platform.guest);
  const { code } = await functions.quotas.usage('guest');
  await sampleAll({ store, registryBytes: async (name) => (name === 'guest' ? 1_000 : 0) }, 24 * 9);
  const rows = await Array.fromAsync(usageRows(store.usage, everything));
  expect(rows).toHaveLength(102);
  expect(rows.find(({ namespace }) => namespace === 'guest')).toMatchObject({
    ...{ day: '1970-01-10', calls: 0, storedByteHours: code.used + 1_000, storedHours: 1 },
  });
});

test.each(['2026-02-30', '2026-1-1', '', '2026-01-31T00:00Z'])('%j is no day', (text) => {
  expect(parseDay(text)).toBeUndefined();
});

const everything = { namespace: undefined, since: 0, until: 100_000 };

type Sums = Pick<UsageRow, 'calls' | 'coldStarts' | 'mibMs' | 'sentBytes' | 'receivedBytes'>;

const none: Sums = { calls: 0, coldStarts: 0, mibMs: 0, sentBytes: 0, receivedBytes: 0 };

async function sumsOf(rows: AsyncIterable<UsageRow>) {
  const sums: Record<string, Sums> = {};
  for await (const { day, calls, coldStarts, mibMs, sentBytes, receivedBytes } of rows)
    sums[day] = { calls, coldStarts, mibMs, sentBytes, receivedBytes };
  return sums;
}

/** Added up from what the API shows of each record. */
function expected(rows: readonly { readonly document: JsonObject }[]) {
  const sums: Awaited<ReturnType<typeof sumsOf>> = {};
  for (const { document } of rows) {
    const { start, duration, annotations, response } = Object(document);
    const of = (key: string) => annotations.find((each: JsonObject) => each['key'] === key)?.value;
    const date = new Date(start).toISOString().slice(0, 10);
    const { calls, coldStarts, mibMs, sentBytes, receivedBytes } = sums[date] ?? none;
    const traffic = of('traffic') ?? none;
    const isFree = of('kind') === 'sequence' || response.status === 'whisk internal error';
    sums[date] = {
      calls: calls + 1,
      coldStarts: coldStarts + (of('start') === 'cold' && !isFree ? 1 : 0),
      mibMs: mibMs + (isFree ? 0 : duration * of('limits').memory),
      sentBytes: sentBytes + traffic.sentBytes,
      receivedBytes: receivedBytes + traffic.receivedBytes,
    };
  }
  return sums;
}
