/** Holdings of namespaces: counters that are right after every write, and bounds that no write exceeds. */
import { expect, test } from 'vitest';
import { newActivationId, randomHex } from '../../lib/index.ts';
import type { ActivationWrite } from '../types/activations.ts';
import type { EntityRow } from '../types/entities.ts';
import type { Holdings } from '../types/holdings.ts';
import {
  activationRow,
  apiRow,
  type Context,
  deliveryRow,
  entityRow,
  feedRow,
  namespaceRow,
  write,
} from './context.ts';

const nothing: Holdings = { entityBytes: 0, codeBytes: 0, records: 0, recordBytes: 0 };
const rowBytes = 1024;

export function holdingTests({ store, reopen }: Context): void {
  const held = (namespace = 'guest') => store().holdings.get(namespace);
  const put = (path: string, more: Partial<EntityRow> = {}, codeBytes = 0) => {
    const row = entityRow(path, more);
    const code = row.codeDigest === null ? undefined : { digest: row.codeDigest, bytes: codeBytes };
    return store()
      .entities.put(row, null, { maxBytes: 1e9, code })
      .then(() => row);
  };

  test('rows of all kinds count by the size of their text, until they are deleted', async () => {
    expect(await held()).toEqual(nothing);
    expect(await held('nobody')).toBeUndefined();
    const document = { text: 'ü' };
    const bytes = rowBytes + Buffer.byteLength(JSON.stringify(document));
    const entity = await put('a', { document });
    const feed = feedRow('t', { document });
    const delivery = deliveryRow({ document });
    await store().feeds.put(feed, null);
    await store().deliveries.add(delivery);
    await store().apis.put(apiRow('/a', { document }), null);
    expect(await held()).toEqual({ ...nothing, entityBytes: 4 * bytes });
    const larger = entityRow('a', { document: { text: 'ü'.repeat(101) } });
    await store().entities.put(larger, entity.revision);
    expect((await held())?.entityBytes).toBe(4 * bytes + 200);
    await reopen();
    expect((await held())?.entityBytes).toBe(4 * bytes + 200);
    await store().entities.delete('guest', 'a', larger.revision);
    await store().feeds.delete('guest', 't');
    await store().deliveries.delete('guest', delivery.id);
    await store().apis.delete('guest', '/a');
    expect(await held()).toEqual(nothing);
  });

  test('code counts once for each namespace, until no entity names it', async () => {
    await store().namespaces.create(namespaceRow('other'));
    const codeBytes = async (namespace = 'guest') => (await held(namespace))?.codeBytes;
    const one = await put('one', { codeDigest: 'x' }, 10_000);
    await put('two', { codeDigest: 'x' }, 10_000);
    await put('one', { codeDigest: 'x', namespace: 'other' }, 10_000);
    await put('small', { codeDigest: 'y' }, 1);
    expect([await codeBytes(), await codeBytes('other')]).toEqual([14_096, 10_000]);
    const changed = entityRow('one', { codeDigest: 'z' });
    const code = { digest: 'z', bytes: 7_000 };
    await store().entities.put(changed, one.revision, { maxBytes: 1e9, code });
    expect(await codeBytes()).toBe(21_096);
    const bare = entityRow('one');
    await store().entities.put(bare, changed.revision);
    expect(await codeBytes()).toBe(14_096);
    await store().entities.delete(
      'guest',
      'two',
      (await store().entities.get('guest', 'two'))?.revision ?? '',
    );
    expect([await codeBytes(), await codeBytes('other')]).toEqual([4_096, 10_000]);
    await store().namespaces.delete('guest');
    await store().namespaces.create(namespaceRow('guest'));
    expect([await codeBytes(), await codeBytes('other')]).toEqual([0, 10_000]);
  });

  test('code of unknown size counts as soon as its size is set', async () => {
    await store().entities.put(entityRow('one', { codeDigest: 'x' }), null);
    await store().entities.put(entityRow('two', { codeDigest: 'x' }), null);
    expect(await store().holdings.unmeasuredCode()).toEqual(['x']);
    await store().holdings.measureCode({ digest: 'x', bytes: 5_000 });
    await store().holdings.measureCode({ digest: 'x', bytes: 5_000 });
    expect(await store().holdings.unmeasuredCode()).toEqual([]);
    expect((await held())?.codeBytes).toBe(5_000);
  });

  test('a write past the bound changes nothing; one that makes nothing larger is accepted', async () => {
    const bound = { maxBytes: 10_000 };
    const first = entityRow('a', { document: { text: 'x'.repeat(8_000) } });
    expect(await store().entities.put(first, null, bound)).toBe(true);
    const before = await held();
    const code = { digest: 'x', bytes: 9_000 };
    await expect(
      store().entities.put(entityRow('b', { codeDigest: 'x' }), null, { ...bound, code }),
    ).rejects.toMatchObject({ code: 'STORE_QUOTA', details: { used: before?.entityBytes } });
    const document = { text: 'x'.repeat(2_000) };
    await expect(store().apis.put(apiRow('/a', { document }), null, bound)).rejects.toMatchObject({
      code: 'STORE_QUOTA',
    });
    expect(await held()).toEqual(before);
    expect(await store().entities.get('guest', 'b')).toBeUndefined();
    const smaller = entityRow('a', { document: { text: 'x'.repeat(7_000) } });
    expect(await store().entities.put(smaller, first.revision, { maxBytes: 10 })).toBe(true);
    expect(await store().entities.put(entityRow('a'), first.revision, bound)).toBe(false);
  });

  test('many concurrent writes stay within the bound', async () => {
    const bound = { maxBytes: 10 * 1_100 };
    const puts = Array.from({ length: 30 }, (_, index) =>
      store()
        .entities.put(entityRow(`e${index}`, { document: {} }), null, bound)
        .catch(() => false),
    );
    const done = (await Promise.all(puts)).filter((isDone) => isDone);
    expect(done).toHaveLength(10);
    expect((await held())?.entityBytes).toBe(10 * (rowBytes + 2));
  });

  const append = (more: Parameters<typeof activationRow>[0] = {}, parts: Partial<ActivationWrite> = {}) =>
    store().activations.append(write(activationRow({ document: {}, ...more }), parts));

  test('records count with their logs and inputs, even if others of their batch fail', async () => {
    const pieces = [Buffer.from('["'), Buffer.from('lö"]')].map((each) => Uint8Array.from(each));
    const id = newActivationId();
    await Promise.all([
      append({ activationId: id }, { logs: ['ü'], inputJson: '"ä"' }),
      append({}, { logs: { pieces } }),
      append({ activationId: id }, { logs: ['never kept'] }).catch(() => {}),
      append({}, { settles: 3, logs: ['ignored'] }),
      append({ namespace: 'nobody' }).catch(() => {}),
    ]);
    const bytes = 2 * (rowBytes + '{}'.length) + '["ü"]'.length + 1 + '"ä"'.length + 1 + 7;
    expect(await held()).toEqual({ ...nothing, records: 2, recordBytes: bytes });
    await store().activations.prune({ namespace: 'guest', keep: 0, max: 9 });
    expect(await held()).toEqual(nothing);
  });

  test('evicts the oldest records when all are too large, but none that ended recently', async () => {
    await store().namespaces.create(namespaceRow('other'));
    const logs = ['x'.repeat(9_000)];
    const size = rowBytes + '{}'.length + JSON.stringify(logs).length;
    for (let start = 1; start <= 6; start++) await append({ start, end: start }, { logs });
    await append({ start: 0, end: 100 }, { logs });
    await append({ namespace: 'other', start: 0 }, { logs });
    const evict = (keepBytes: number, endedBefore = 50, max = 2) =>
      store().activations.evict({ namespace: 'guest', keepBytes, endedBefore, max });
    const starts = async () =>
      (await store().activations.list({ namespace: 'guest', skip: 0, limit: 9 })).map(({ start }) => start);
    expect(await evict(7 * size)).toEqual({ records: 0, heldBytes: 7 * size });
    expect(await evict(4 * size)).toEqual({ records: 2, heldBytes: 5 * size });
    expect(await evict(4 * size)).toEqual({ records: 1, heldBytes: 4 * size });
    expect(await evict(4 * size)).toEqual({ records: 0, heldBytes: 4 * size });
    expect(await starts()).toEqual([6, 5, 4, 0]);
    expect(await evict(0, 50, 9)).toEqual({ records: 3, heldBytes: size });
    expect(await evict(0)).toEqual({ records: 0, heldBytes: size });
    expect(await starts()).toEqual([0]);
    expect((await held('other'))?.records).toBe(1);
  });

  test('evicts a record of many megabytes alone', async () => {
    const logs = [randomHex(5 * 1024 * 1024)];
    for (let start = 1; start <= 3; start++) await append({ start, end: start }, { logs });
    const evict = () =>
      store().activations.evict({ namespace: 'guest', keepBytes: 0, endedBefore: 50, max: 9 });
    expect(
      [await evict(), await evict(), await evict(), await evict()].map(({ records }) => records),
    ).toEqual([1, 1, 1, 0]);
  });
}
