/** Nodes that servers have heard: any server may note them, and orders to them outlive reports. */
import { expect, test } from 'vitest';
import type { Context } from './context.ts';

const always = { everyMs: 0 };

function heard(name: string, more: { role?: string; version?: string; load?: number; ageMs?: number } = {}) {
  const { role = 'invoker', version = '1.0.0', load = 0, ageMs = 0 } = more;
  return { name, role, version, figures: { load }, ageMs };
}

export function clusterNodeTests({ store, place }: Context): void {
  const names = async () => (await store().clusterNodes.list()).map(({ name }) => name);

  test('the newest that was heard of a node counts, whichever server notes it', async () => {
    await using other = await place().open();
    const { clusterNodes } = store();
    await clusterNodes.note([heard('b', { ageMs: 5_000 }), heard('a')], always);
    await other.clusterNodes.note([heard('b', { version: '2.0.0', load: 0.5, ageMs: 1_000 })], always);
    await clusterNodes.note([heard('b', { version: 'old', ageMs: 4_000 })], always);
    expect(await names()).toEqual(['a', 'b']);
    const b = await clusterNodes.get('b');
    expect(b).toMatchObject({ role: 'invoker', version: '2.0.0', figures: { load: 0.5 }, order: null });
    expect(b?.ageMs).toBeGreaterThanOrEqual(1_000);
    expect(b?.ageMs).toBeLessThan(4_000);
    expect(await clusterNodes.get('c')).toBeUndefined();
  });

  test('what another server noted a moment ago stays, and is returned', async () => {
    const { clusterNodes } = store();
    expect(await clusterNodes.note([heard('a', { ageMs: 1_000 })], always)).toEqual([]);
    const [noted, ...others] = await clusterNodes.note([heard('a', { load: 1 })], { everyMs: 60_000 });
    expect([noted, others]).toEqual([{ name: 'a', role: 'invoker', ageMs: expect.any(Number) }, []]);
    expect(noted?.ageMs).toBeGreaterThanOrEqual(1_000);
    expect(await clusterNodes.get('a')).toMatchObject({ figures: { load: 0 } });
  });

  test('orders outlive reports, and each has a later time than the one before', async () => {
    const { clusterNodes } = store();
    expect(await clusterNodes.order('a', true)).toBeUndefined();
    await clusterNodes.note([heard('a', { ageMs: 1_000 }), heard('b')], always);
    const drained = await clusterNodes.order('a', true);
    await clusterNodes.note([heard('a')], always);
    expect(await clusterNodes.get('a')).toMatchObject({ order: { isDrained: true, at: drained?.at } });
    expect(await clusterNodes.orders()).toEqual([drained]);
    const undone = await clusterNodes.order('a', false);
    expect(undone).toMatchObject({ name: 'a', isDrained: false });
    expect(undone?.at).toBeGreaterThan(drained?.at ?? Number.POSITIVE_INFINITY);
    expect(await clusterNodes.orders()).toEqual([undone]);
  });

  test('nodes that are long silent are forgotten, but not those that are drained', async () => {
    const { clusterNodes } = store();
    const old = { ageMs: 100_000 };
    await clusterNodes.note([heard('gone', old), heard('drained', old), heard('here')], always);
    await clusterNodes.order('drained', true);
    expect(await clusterNodes.prune(90_000)).toBe(1);
    expect(await names()).toEqual(['drained', 'here']);
    expect(await clusterNodes.forget('drained')).toBe(true);
    expect(await clusterNodes.forget('drained')).toBe(false);
    expect(await names()).toEqual(['here']);
  });

  test('many names do not fill the database, and known nodes are still noted', async () => {
    const { clusterNodes } = store();
    await clusterNodes.note([heard('known', { ageMs: 1_000 })], always);
    const flood = Array.from({ length: 2_100 }, (_, at) => heard(`n${at}`));
    await clusterNodes.note([...flood, heard('known', { load: 1 })], always);
    expect(await names()).toHaveLength(2_000);
    expect(await clusterNodes.get('known')).toMatchObject({ figures: { load: 1 } });
  });
}
