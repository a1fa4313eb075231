/** What calls reached by target: sums that equal the calls, in a limited number of rows. */
import { expect, test } from 'vitest';
import { newActivationId } from '../../lib/index.ts';
import { mostEgressRows } from '../egress.ts';
import type { EgressDay, EgressFilter, EgressUse } from '../types/egress.ts';
import type { Store } from '../types/store.ts';
import { activationRow, type Context, namespaceRow, write } from './context.ts';

const dayMs = 86_400_000;
const { action: mostOfAction, namespace: mostOfNamespace } = mostEgressRows;

const use = (target: string, more: Partial<EgressUse> = {}): EgressUse => ({
  ...{ target, port: 443, protocol: 'tcp', refusal: '', attempts: 1, sentBytes: 0, receivedBytes: 0 },
  ...more,
});

interface Call {
  readonly path?: string;
  readonly start?: number;
  readonly namespace?: string;
  readonly isRecorded?: boolean;
}

export function egressTests({ store, place }: Context): void {
  const submit = async (one: Store, egress: readonly EgressUse[], call: Call = {}) => {
    const { path = 'a', start = 0, namespace = 'guest', isRecorded = true } = call;
    const sum = (name: 'sentBytes' | 'receivedBytes') => egress.reduce((all, each) => all + each[name], 0);
    const bytes = { sentBytes: sum('sentBytes'), receivedBytes: sum('receivedBytes') };
    const usage = { mibMs: 1, isCold: false, ...bytes, egress };
    const activationId = newActivationId();
    const row = { ...write(activationRow({ activationId, namespace, path, start })).row, usage };
    await (isRecorded
      ? one.activations.append({ row, logs: [], settles: null })
      : one.activations.addUnrecorded({
          ...{ activationId, namespace, path, start, end: start, statusCode: 0 },
          ...{ usage, settles: null },
        }));
    return activationId;
  };
  const rows = (filter: EgressFilter = {}, limit = 5000) => store().egress.list(filter, undefined, limit);
  const brief = ({ action, target, refusal, day, calls, attempts, sentBytes }: EgressDay) =>
    [action, target, refusal, day, calls, attempts, sentBytes] as const;

  test('the sums of a target and day equal its calls, by two servers at once', async () => {
    await using other = await place().open();
    await store().namespaces.create(namespaceRow('other'));
    const [api, dns] = [use('api.example', { sentBytes: 5 }), use('b', { protocol: 'dns', refusal: 'no' })];
    const calls = Array.from({ length: 40 }, (_, index) =>
      submit(index % 2 === 0 ? store() : other, index % 4 < 2 ? [api, dns] : [dns, api], {
        isRecorded: index % 10 > 0,
      }),
    );
    // Its record is refused, so nothing of it counts.
    const twice = await submit(store(), [api], { path: 'p/b', start: dayMs });
    const { row } = write(activationRow({ activationId: twice, path: 'p/b' }));
    const usage = { mibMs: 0, isCold: false, sentBytes: 0, receivedBytes: 0, egress: [api] };
    const again = store().activations.append({ row: { ...row, usage }, logs: [], settles: null });
    await expect(again).rejects.toMatchObject({ code: 'STORE_DUPLICATE' });
    await Promise.all([...calls, submit(other, [api], { namespace: 'other' })]);
    await expect(submit(store(), [api], { namespace: 'nobody' })).rejects.toThrow();
    expect((await rows({ namespace: 'guest' })).map(brief)).toEqual([
      ['a', 'api.example', '', 0, 40, 40, 200],
      ['a', 'b', 'no', 0, 40, 40, 0],
      ['p/b', 'api.example', '', 1, 1, 1, 5],
    ]);
    expect(await rows({ namespace: 'guest', action: 'p/b' })).toMatchObject([
      { lastCall: twice, lastAt: dayMs, port: 443, protocol: 'tcp' },
    ]);
    const all = await rows();
    expect(all).toHaveLength(4);
    expect(await store().egress.list({}, all[1], 2)).toEqual(all.slice(2));
    expect(await store().usage.problems()).toEqual([]);
    expect(await store().egress.forget(1, 2)).toBe(2);
    expect(await store().egress.forget(1, 2)).toBe(1);
    expect(await store().egress.forget(1, 2)).toBe(0);
    expect((await rows()).map(({ action }) => action)).toEqual(['p/b']);
    await store().namespaces.delete('guest');
    expect(await rows()).toEqual([]);
  });

  test('an action and a namespace have a limited number of rows a day; the rest counts without names', async () => {
    const names = Array.from({ length: mostOfAction + 30 }, (_, index) =>
      use(`n${10 + index}.example`, { sentBytes: 1, refusal: index % 2 === 0 ? '' : 'no' }),
    );
    await submit(store(), names, { isRecorded: false });
    const ofAction = await rows({ namespace: 'guest', action: 'a' });
    expect(ofAction).toHaveLength(mostOfAction + 2);
    expect(ofAction.slice(0, 2).map(brief)).toEqual([
      ['a', '', '', 0, 15, 15, 15],
      ['a', '', 'several reasons', 0, 15, 15, 15],
    ]);
    const many = Array.from({ length: mostOfNamespace / mostOfAction }, (_, index) =>
      submit(store(), names.slice(0, mostOfAction), { path: `b${index}`, isRecorded: false }),
    );
    await Promise.all([...many, submit(store(), names, { path: 'c', isRecorded: false })]);
    // A target that has its row keeps it, and another day has rows of its own.
    await submit(store(), names.slice(0, 1), { isRecorded: false });
    await submit(store(), names.slice(0, 1), { path: 'c', start: dayMs, isRecorded: false });
    const all = await rows();
    expect(all.length).toBeLessThanOrEqual(mostOfNamespace + 3);
    expect(all.slice(0, 2).map(({ action, target }) => [action, target])).toEqual([
      ['', ''],
      ['', ''],
    ]);
    expect(all.filter(({ action }) => action === 'c').map(({ day }) => day)).toEqual([1]);
    expect(all.find(({ target }) => target === 'n10.example')).toMatchObject({ action: 'a', calls: 2 });
    const sent = names.length * 2 + mostOfAction * many.length + 2;
    expect(all.reduce((sum, { sentBytes }) => sum + sentBytes, 0)).toBe(sent);
    expect(await store().usage.problems()).toEqual([]);
  });
}
