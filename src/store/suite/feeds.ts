/** Feeds: one for each trigger, one winner of each write, the earliest is due first. */
import { expect, test } from 'vitest';
import type { FeedRow } from '../types/feeds.ts';
import { type Context, feedRow, namesInOrder, namespaceRow, scattered } from './context.ts';

export function feedTests({ store, reopen }: Context): void {
  test('are stored unchanged, and found by trigger and by token', async () => {
    const row = feedRow('tick ü', { token: 'secret', dueAt: 5, document: { cron: '* * * * *' } });
    expect(await store().feeds.put(row, null)).toBe(true);
    await reopen();
    expect(await store().feeds.get('guest', 'tick ü')).toEqual(row);
    expect(await store().feeds.byToken('secret')).toEqual(row);
    expect(await store().feeds.get('other', 'tick ü')).toBeUndefined();
    expect(await store().feeds.byToken('guess')).toBeUndefined();
  });

  test('a write of a revision that is no longer current loses', async () => {
    const first = feedRow('t');
    const second = feedRow('t', { provider: 'webhooks/webhook', token: 'x', dueAt: 7, document: { n: 2 } });
    expect(await store().feeds.put(second, first.revision)).toBe(false);
    expect(await store().feeds.put(first, null)).toBe(true);
    expect(await store().feeds.put(second, null)).toBe(false);
    expect(await store().feeds.put(second, first.revision)).toBe(true);
    expect(await store().feeds.put(feedRow('t'), first.revision)).toBe(false);
    expect(await store().feeds.get('guest', 't')).toEqual(second);
    expect(await store().feeds.delete('guest', 't')).toBe(true);
    expect(await store().feeds.delete('guest', 't')).toBe(false);
    expect(await store().feeds.get('guest', 't')).toBeUndefined();
  });

  test('concurrent read-modify-write loops lose no update', async () => {
    await store().feeds.put(feedRow('t', { document: { n: 0 } }), null);
    const increment = async () => {
      for (;;) {
        const row = await store().feeds.get('guest', 't');
        if (row === undefined) throw new Error('the feed is gone');
        const next = feedRow('t', { document: { n: Number(row.document['n']) + 1 } });
        if (await store().feeds.put(next, row.revision)) return;
      }
    };
    await Promise.all(Array.from({ length: 8 }, increment));
    expect((await store().feeds.get('guest', 't'))?.document).toEqual({ n: 8 });
  });

  test('no two have the same token, and a failed write does not affect the others', async () => {
    const mine = feedRow('a', { token: 'secret' });
    const outcomes = await Promise.allSettled([
      store().feeds.put(mine, null),
      store().feeds.put(feedRow('b', { token: 'secret' }), null),
      store().feeds.put(feedRow('c'), null),
      store().feeds.put(feedRow('d'), null),
      store().feeds.put(feedRow('e', { namespace: 'nobody' }), null),
    ]);
    expect(outcomes.map((outcome) => (outcome.status === 'rejected' ? outcome.reason.code : true))).toEqual([
      true,
      'STORE_DUPLICATE',
      true,
      true,
      'STORE_NO_NAMESPACE',
    ]);
    expect(await store().feeds.byToken('secret')).toEqual(mine);
    expect(await store().feeds.get('guest', 'b')).toBeUndefined();
  });

  test('are due earliest first, over all namespaces, and never without a time', async () => {
    expect(await store().feeds.nextDue()).toBeUndefined();
    await store().namespaces.create(namespaceRow('other'));
    for (const [trigger, dueAt] of Object.entries({ c: 3_000, a: 1_000, never: null, d: 4_000 })) {
      await store().feeds.put(feedRow(trigger, { dueAt }), null);
    }
    await store().feeds.put(feedRow('b', { namespace: 'other', dueAt: 2_000 }), null);
    const due = async (now: number, limit: number) =>
      (await store().feeds.due(now, limit)).map((row) => row.trigger);
    expect(await due(3_000, 10)).toEqual(['a', 'b', 'c']);
    expect(await due(3_000, 2)).toEqual(['a', 'b']);
    expect(await due(999, 10)).toEqual([]);
    expect(await store().feeds.nextDue()).toBe(1_000);
    await store().feeds.delete('guest', 'a');
    expect(await store().feeds.nextDue()).toBe(2_000);
  });

  test('with a time are listed in pages by namespace and trigger', async () => {
    await store().namespaces.create(namespaceRow('other'));
    for (const trigger of ['c', 'a', 'b']) await store().feeds.put(feedRow(trigger, { dueAt: 9 }), null);
    await store().feeds.put(feedRow('never'), null);
    await store().feeds.put(feedRow('a', { namespace: 'other', dueAt: 1 }), null);
    const walked: string[] = [];
    for (let after: FeedRow | undefined; ; ) {
      const rows = await store().feeds.waiting(2, after);
      walked.push(...rows.map(({ namespace, trigger }) => `${namespace}/${trigger}`));
      after = rows.at(-1);
      if (after === undefined) break;
    }
    expect(walked).toEqual(['guest/a', 'guest/b', 'guest/c', 'other/a']);
  });

  test('are counted by namespace', async () => {
    await store().namespaces.create(namespaceRow('other'));
    expect(await store().feeds.count('guest')).toBe(0);
    for (const trigger of ['a', 'b']) await store().feeds.put(feedRow(trigger), null);
    await store().feeds.put(feedRow('a', { namespace: 'other' }), null);
    expect(await store().feeds.count('guest')).toBe(2);
    expect(await store().feeds.count('nobody')).toBe(0);
  });

  test('of a namespace are listed in pages by trigger', async () => {
    await store().namespaces.create(namespaceRow('other'));
    for (const trigger of ['c', 'a', 'b']) await store().feeds.put(feedRow(trigger), null);
    await store().feeds.put(feedRow('a', { namespace: 'other' }), null);
    const listed = async (skip: number, limit: number) =>
      (await store().feeds.list('guest', { skip, limit })).map(({ trigger }) => trigger);
    expect(await listed(0, 2)).toEqual(['a', 'b']);
    expect(await listed(2, 2)).toEqual(['c']);
    expect(await store().feeds.list('nobody', { skip: 0, limit: 9 })).toEqual([]);
  });

  test('with a time are listed in byte order, each once', async () => {
    for (const name of scattered(namesInOrder)) await store().feeds.put(feedRow(name, { dueAt: 5 }), null);
    const found: string[] = [];
    for (;;) {
      const last = found.at(-1);
      const after = last === undefined ? undefined : { namespace: 'guest', trigger: last };
      const page = await store().feeds.waiting(3, after);
      if (page.length === 0) break;
      found.push(...page.map(({ trigger }) => trigger));
    }
    expect(found).toEqual(namesInOrder);
  });
}
