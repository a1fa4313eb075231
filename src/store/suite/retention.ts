/** Inputs that are stored with records, and records that are pruned by age and by number. */
import { expect, test } from 'vitest';
import { newActivationId } from '../../lib/index.ts';
import type { ActivationWrite, PruneRule } from '../types/activations.ts';
import { activationRow, all, type Context, namespaceRow, write } from './context.ts';

export function retentionTests({ store, reopen }: Context): void {
  const append = async (start: number, more: Partial<ActivationWrite> = {}, namespace = 'guest') => {
    const row = activationRow({ start, namespace });
    await store().activations.append(write(row, more));
    return row.activationId;
  };
  const fill = (count: number, namespace = 'guest') =>
    Promise.all(Array.from({ length: count }, (_, index) => append(1_000 + index, {}, namespace)));
  const prune = (rule: Partial<PruneRule>) =>
    store().activations.prune({ namespace: 'guest', max: 100, ...rule });
  const starts = async (namespace = 'guest') =>
    (await store().activations.list({ ...all, namespace })).map((row) => row.start);

  test('an input is stored unchanged, and only with its record', async () => {
    const input = { name: 'ü', deep: [1, null, { a: true }] };
    const withInput = await append(1, { inputJson: JSON.stringify(input) });
    const without = await append(2);
    const nothing = await append(3, { inputJson: 'null' });
    await reopen();
    expect(await store().activations.input('guest', withInput)).toEqual(input);
    expect(await store().activations.input('other', withInput)).toBeUndefined();
    expect(await store().activations.input('guest', without)).toBeUndefined();
    expect(await store().activations.input('guest', nothing)).toBeNull();
    expect(await store().activations.input('guest', newActivationId())).toBeUndefined();
  });

  test('an input can be read before it is on disk', async () => {
    const row = activationRow();
    const written = store().activations.append(write(row, { inputJson: '[1]' }));
    expect(await store().activations.input('guest', row.activationId)).toEqual([1]);
    await written;
  });

  const rules: readonly [string, Omit<PruneRule, 'namespace' | 'max'>, readonly number[]][] = [
    ['by age: what started before', { before: 1_003 }, [1_005, 1_004, 1_003]],
    ['by number: past the newest', { keep: 2 }, [1_005, 1_004]],
    ['by both: age is stricter', { before: 1_004, keep: 4 }, [1_005, 1_004]],
    ['by both: number is stricter', { before: 1_001, keep: 3 }, [1_005, 1_004, 1_003]],
    ['all', { keep: 0 }, []],
    ['nothing: enough is kept', { keep: 6 }, [1_005, 1_004, 1_003, 1_002, 1_001, 1_000]],
    ['nothing: none is too old', { before: 1_000 }, [1_005, 1_004, 1_003, 1_002, 1_001, 1_000]],
    ['nothing: there is no rule', {}, [1_005, 1_004, 1_003, 1_002, 1_001, 1_000]],
  ];
  test.each(rules)('%s', async (_, rule, expected) => {
    await store().namespaces.create(namespaceRow('other'));
    await fill(6);
    await fill(6, 'other');
    expect(await prune(rule)).toBe(6 - expected.length);
    expect(await prune(rule)).toBe(0);
    expect(await starts()).toEqual(expected);
    expect(await store().activations.count({ namespace: 'guest' })).toBe(expected.length);
    expect(await starts('other')).toHaveLength(6);
  });

  test('prunes a limited number at a time, oldest first', async () => {
    await fill(10);
    const pruned: number[] = [];
    while (pruned.at(-1) !== 0) {
      pruned.push(await prune({ keep: 3, max: 3 }));
      expect((await starts())[0]).toBe(1_009);
    }
    expect(pruned).toEqual([3, 3, 1, 0]);
    expect(await starts()).toEqual([1_009, 1_008, 1_007]);
  });

  test('prunes fewer at a time when they are large', async () => {
    const logs = ['x'.repeat(3 * 1024 * 1024)];
    for (let start = 0; start < 7; start++) await append(start, { logs });
    const first = await prune({ keep: 0 });
    expect(first).toBeGreaterThan(0);
    expect(first).toBeLessThan(7);
    let pruned = first;
    for (let more = first; more > 0; pruned += more) more = await prune({ keep: 0 });
    expect(pruned).toBe(7);
  });

  test('counts records that are not on disk yet', async () => {
    const appends = fill(8);
    expect(await prune({ keep: 5 })).toBe(3);
    await appends;
    expect(await starts()).toHaveLength(5);
  });

  test('logs and inputs are pruned with their record, whose id can be reused', async () => {
    const activationId = await append(1, { logs: ['x'], inputJson: '1' });
    expect(await prune({ keep: 0 })).toBe(1);
    expect(await store().activations.logs('guest', activationId)).toBeUndefined();
    await store().activations.append(write(activationRow({ activationId }), { logs: ['y'] }));
    expect(await store().activations.logs('guest', activationId)).toEqual(['y']);
    expect(await store().activations.input('guest', activationId)).toBeUndefined();
  });

  test('a deleted namespace has nothing to prune', async () => {
    expect(await prune({ namespace: 'nobody', keep: 0 })).toBe(0);
  });
}
