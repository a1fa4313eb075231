/** Calls in slots of time: sums that equal the calls. */
import { expect, test } from 'vitest';
import { newActivationId } from '../../lib/index.ts';
import type { Store } from '../types/store.ts';
import { bandMs, durationBand, type SlotMinutes } from '../types/usage-slots.ts';
import { activationRow, type Context, namespaceRow, write } from './context.ts';

const minuteMs = 60_000;

interface Call {
  readonly namespace?: string;
  readonly minute?: number;
  readonly durationMs?: number;
  readonly statusCode?: number;
  readonly isCold?: boolean;
  readonly kind?: 'recorded' | 'unrecorded' | 'firing';
}

export function usageSlotTests({ store, place }: Context): void {
  const submit = (one: Store, call: Call = {}) => {
    const { namespace = 'guest', minute = 0, durationMs = 0, statusCode = 0, kind = 'recorded' } = call;
    const start = minute * minuteMs + 1;
    const ended = {
      ...{ activationId: newActivationId(), namespace, path: 'a' },
      ...{ start, end: start + durationMs, statusCode },
    };
    const usage = { mibMs: 1, isCold: call.isCold ?? false, sentBytes: 0, receivedBytes: 0 };
    if (kind === 'unrecorded') return one.activations.addUnrecorded({ ...ended, usage, settles: null });
    const row = { ...write(activationRow(ended)).row, usage: kind === 'firing' ? null : usage };
    return one.activations.append({ row, logs: [], settles: null });
  };
  const range = (minutes: SlotMinutes, since: number, until: number) => ({ minutes, since, until });
  const brief = async (minutes: SlotMinutes, since = 0, until = 999) => {
    const found = await store().usageSlots.sums(range(minutes, since, until));
    return found.map(({ namespace, calls, failed, coldStarts }) => [namespace, calls, failed, coldStarts]);
  };

  test('a call counts in a slot of each length, whichever of two servers writes it', async () => {
    await using other = await place().open();
    await store().namespaces.create(namespaceRow('other'));
    const kinds = ['recorded', 'recorded', 'unrecorded', 'firing'] as const;
    await Promise.all(
      Array.from({ length: 160 }, (_, index) =>
        submit(index % 2 === 0 ? store() : other, {
          namespace: index % 8 < 4 ? 'guest' : 'other',
          minute: index < 80 ? 4 : 5,
          kind: kinds[index % 4] ?? 'recorded',
          statusCode: index % 16 === 0 ? 2 : 0,
          isCold: index % 8 === 1,
        }),
      ),
    );
    await expect(submit(store(), { namespace: 'nobody' })).rejects.toThrow();
    const all = [
      ['guest', 60, 10, 20],
      ['other', 60, 0, 0],
    ];
    for (const minutes of [1, 5, 60] as const) expect(await brief(minutes)).toEqual(all);
    expect(await store().usageSlots.count(range(60, 0, 0))).toBe(120);
    const half = [
      ['guest', 30, 5, 10],
      ['other', 30, 0, 0],
    ];
    for (const [minutes, slot] of [
      [1, 4],
      [5, 1],
    ] as const)
      expect(await brief(minutes, slot, slot)).toEqual(half);
    expect(await store().usageSlots.slots(range(1, 5, 9), ['guest', 'nobody'])).toEqual([
      { namespace: 'guest', slot: 5, calls: 30, failed: 5 },
    ]);
    expect(await store().usageSlots.slots(range(1, 6, 9), ['guest'])).toEqual([]);
    expect(await store().usageSlots.count(range(1, 6, 9))).toBe(0);
  });

  test('durations are told within a quarter', async () => {
    const durations = [0, 1, 2, 7, 100, 999, 60_000, 3_600_000];
    await Promise.all(durations.map((durationMs) => submit(store(), { durationMs })));
    const [sums] = await store().usageSlots.sums(range(60, 0, 0));
    const told = (sums?.bands ?? []).flatMap((count, band) => Array<number>(count).fill(bandMs(band)));
    expect(told).toHaveLength(durations.length);
    durations.forEach((ms, index) => {
      expect(Math.abs((told[index] ?? 0) - ms)).toBeLessThanOrEqual(ms / 4);
    });
    expect([-1, 1e12].map(durationBand)).toEqual([0, 39]);
  });

  test('a later namespace of the same name begins anew, and old slots are forgotten', async () => {
    for (const minute of [0, 3, 7]) await submit(store(), { minute });
    expect(await store().usageSlots.forget(1, 7, 1)).toBe(1);
    expect(await store().usageSlots.forget(1, 7, 9)).toBe(1);
    expect(await store().usageSlots.forget(1, 7, 9)).toBe(0);
    expect(await brief(1)).toEqual([['guest', 1, 0, 0]]);
    expect(await brief(5)).toEqual([['guest', 3, 0, 0]]);
    await store().namespaces.delete('guest');
    await store().namespaces.create({ ...namespaceRow('guest'), createdAt: 2_000 });
    expect(await brief(5)).toEqual([]);
    await submit(store(), { minute: 7 });
    expect(await brief(5)).toEqual([['guest', 1, 0, 0]]);
  });
}
