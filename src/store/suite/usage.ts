/** Usage of days: sums that equal the records. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { newActivationId } from '../../lib/index.ts';
import type { Store } from '../types/store.ts';
import type { UsageDay } from '../types/usage.ts';
import { activationRow, type Context, namespaceRow, write } from './context.ts';

const dayMs = 86_400_000;
const names = ['guest', 'other'] as const;

const calls = fc.array(
  fc.record({
    namespace: fc.constantFrom(...names, 'nobody'),
    start: fc.integer({ min: 0, max: 3 * dayMs }),
    mibMs: fc.integer({ min: 0, max: 10_000_000 }),
    isCold: fc.boolean(),
    sentBytes: fc.integer({ min: 0, max: 2 ** 40 }),
    receivedBytes: fc.integer({ min: 0, max: 2 ** 40 }),
    /** What becomes of it. */
    kind: fc.constantFrom('recorded', 'recorded', 'firing', 'twice', 'unrecorded', 'stale'),
  }),
  { maxLength: 60 },
);

type Sums = Pick<UsageDay, 'calls' | 'mibMs' | 'coldStarts' | 'sentBytes' | 'receivedBytes'>;

const noTraffic = { sentBytes: 0, receivedBytes: 0 };
const nothing: Sums = { calls: 0, mibMs: 0, coldStarts: 0, ...noTraffic };

type Call = ReturnType<typeof calls.generate>['value'][number];

export function usageTests({ store, place }: Context): void {
  const days = (one: Store = store(), more = {}) =>
    one.usage.days({ namespace: undefined, since: 0, until: 9, ...more }, undefined, 100);

  const submit = async (one: Store, { namespace, start, kind, ...usage }: Call) => {
    const activationId = newActivationId();
    const { row } = write(activationRow({ activationId, namespace, start }));
    const append = (settles: number | null, of: typeof usage | null = usage) =>
      one.activations.append({ row: { ...row, usage: of }, logs: [], settles });
    if (kind === 'unrecorded')
      return one.activations.addUnrecorded({
        activationId,
        namespace,
        path: 'a',
        start,
        end: start,
        statusCode: 0,
        usage,
        settles: null,
      });
    if (kind === 'firing') return append(null, null);
    // No accepted row has this attempt: the write is ignored.
    if (kind === 'stale') return append(3);
    if (kind === 'twice') await append(null);
    return append(null);
  };

  test('the sums equal what was written, by two servers at once', async () => {
    await store().namespaces.create(namespaceRow('other'));
    await using other = await place().open();
    const expected = new Map<string, Sums>();
    await fc.assert(
      fc.asyncProperty(calls, async (some) => {
        const servers = [store(), other];
        const written = some.map((call, at) => submit(servers[at % 2] ?? other, call));
        await Promise.allSettled(written);
        for (const { kind, namespace, start, ...usage } of some) {
          if (namespace === 'nobody' || kind === 'firing' || kind === 'stale') continue;
          const key = `${Math.floor(start / dayMs)} ${namespace}`;
          const sum = expected.get(key) ?? nothing;
          expected.set(key, {
            calls: sum.calls + 1,
            mibMs: sum.mibMs + usage.mibMs,
            coldStarts: sum.coldStarts + (usage.isCold ? 1 : 0),
            sentBytes: sum.sentBytes + usage.sentBytes,
            receivedBytes: sum.receivedBytes + usage.receivedBytes,
          });
        }
        const found = (await days()).map(
          ({ day, namespace, createdAt, storedByteHours, storedHours, ...sum }) => {
            expect([createdAt, storedByteHours, storedHours]).toEqual([1_000, 0, 0]);
            return [`${day} ${namespace}`, sum] as const;
          },
        );
        expect(new Map(found)).toEqual(expected);
        expect(await store().usage.problems()).toEqual([]);
      }),
      { numRuns: 12 },
    );
  });

  test('outlives records and namespaces, and keeps those of one name apart', async () => {
    const call = (start: number, mibMs: number) =>
      submit(store(), { namespace: 'guest', start, mibMs, isCold: true, ...noTraffic, kind: 'recorded' });
    await Promise.all([call(0, 1), call(dayMs, 2), call(dayMs + 1, 4), call(2 * dayMs, 8)]);
    await store().activations.prune({ namespace: 'guest', keep: 2, max: 9 });
    expect(await store().usage.problems()).toEqual([]);
    expect((await days()).map(({ mibMs }) => mibMs)).toEqual([1, 6, 8]);
    expect(await days(store(), { since: 1, until: 1 })).toHaveLength(1);
    await store().namespaces.delete('guest');
    await store().namespaces.create({ ...namespaceRow('guest'), createdAt: 2_000 });
    await call(dayMs, 16);
    const all = await days(store(), { namespace: 'guest' });
    expect(all.map(({ day, createdAt, mibMs }) => [day, createdAt, mibMs])).toEqual([
      [0, 1_000, 1],
      [1, 1_000, 6],
      [1, 2_000, 16],
      [2, 1_000, 8],
    ]);
    const after = await store().usage.days(
      { namespace: undefined, since: 0, until: 9 },
      { day: 1, namespace: 'guest', createdAt: 1_000 },
      1,
    );
    expect(after.map(({ mibMs }) => mibMs)).toEqual([16]);
    expect(await days(store(), { namespace: 'guest', createdAt: 2_000 })).toHaveLength(1);
    await store().usage.forget(2);
    expect((await days()).map(({ mibMs }) => mibMs)).toEqual([8]);
  });

  test('takes one sample of an hour, whichever server is first', async () => {
    await using other = await place().open();
    await submit(store(), {
      namespace: 'guest',
      start: 0,
      mibMs: 1,
      isCold: false,
      ...noTraffic,
      kind: 'recorded',
    });
    const samples = [3, 3, 4, 3, 23, 24].flatMap((hour) => [
      [store(), hour] as const,
      [other, hour] as const,
    ]);
    for (const [one, hour] of samples) await one.usage.sample('guest', 100 + hour, hour);
    await store().usage.sample('nobody', 1, 3);
    expect(
      (await days()).map(({ calls, storedByteHours, storedHours }) => [calls, storedByteHours, storedHours]),
    ).toEqual([
      [1, 330, 3],
      [0, 124, 1],
    ]);
    expect(await store().usage.problems()).toEqual([]);
  });
}
