/** Entries of the audit log: with their change or not at all, and they name the actor. */
import { expect, test } from 'vitest';
import { actAs } from '../../lib/index.ts';
import {
  apiRow,
  type Context,
  deliveryRow,
  domainRow,
  entityRow,
  feedRow,
  keyRow,
  namespaceRow,
} from './context.ts';

const actor = { who: 'guest 4e9c', from: '192.0.2.7', request: 'req-1' };

export function notedTests({ store }: Context): void {
  const noted = async () => (await store().unsealed.read(100)).map(({ entry }) => entry);
  const drain = async () => store().unsealed.drop(await store().unsealed.read(100));

  test('each change has one, with its actor, its name, and digests before and after', async () => {
    await drain();
    const first = entityRow('p/a');
    const second = entityRow('p/a', { document: { n: 2 } });
    await actAs(actor, async () => {
      await store().entities.put(first, null, { maxBytes: 1e9 });
      await store().entities.put(second, first.revision);
      await store().entities.delete('guest', 'p/a', second.revision);
    });
    const [created, updated, deleted] = await noted();
    expect(created).toMatchObject({
      ...{ event: 'create-action', name: '/guest/p/a', namespace: 'guest' },
      ...{ actor: 'guest 4e9c', from: '192.0.2.7', request: 'req-1' },
      after: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
    });
    expect(created?.['before']).toBeUndefined();
    expect(updated).toMatchObject({ event: 'update-action', before: created?.['after'] });
    expect(updated?.['after']).not.toBe(created?.['after']);
    expect(deleted).toMatchObject({ event: 'delete-action', before: updated?.['after'] });
    expect(new Set((await noted()).map(({ id }) => id)).size).toBe(3);
  });

  test('a write that loses has none, nor one that fails', async () => {
    const row = entityRow('a');
    await store().entities.put(row, null);
    await drain();
    expect(await store().entities.put(entityRow('a'), 'older')).toBe(false);
    expect(await store().entities.put(entityRow('a'), null)).toBe(false);
    expect(await store().entities.delete('guest', 'a', 'older')).toBe(false);
    expect(await store().namespaces.create(namespaceRow('guest'))).toBe(false);
    expect(await store().feeds.put(feedRow('t'), 'older', { replaced: undefined })).toBe(false);
    const tooLarge = store().entities.put(entityRow('b'), null, { maxBytes: 1 });
    await expect(tooLarge).rejects.toMatchObject({ code: 'STORE_QUOTA' });
    // Only its parameters are encrypted anew.
    expect(await store().entities.put({ ...row, document: { sealed: 1 } }, row.revision)).toBe(true);
    expect(await noted()).toEqual([]);
  });

  test('every kind of change is named', async () => {
    await drain();
    const { namespaces, keys, entities, apis, domains, feeds, deliveries, members } = store();
    const other = { ...namespaceRow('other'), limits: {}, settings: {} };
    const key = keyRow();
    const letter = deliveryRow({ state: 'dead' });
    await namespaces.create(other);
    await namespaces.putSettings('other', { days: 7 }, {});
    const stored = { ...other, settings: { days: 7 } };
    await namespaces.update({ ...stored, keyId: keyRow().keyId, limits: { concurrent: 9 } }, stored);
    await keys.create(key);
    await keys.delete('guest', key.keyId);
    const login = keyRow({ person: 'p' });
    await keys.create(login);
    await keys.logOut('p', 'ada');
    const api = apiRow('/v1');
    await apis.put(api, null);
    await apis.put(apiRow('/v1', { document: { n: 2 } }), api.revision);
    await apis.delete('guest', '/v1');
    const domain = domainRow('a.example', { namespace: 'other' });
    const taking = domainRow('a.example');
    await domains.put(domain, 1);
    await domains.prove(domain, undefined, 5);
    await domains.put(taking, 1);
    await domains.put({ ...taking, target: { kind: 'api', basePath: '/v1' } }, 1);
    await domains.prove(taking, { ...domain, provedAt: 5 }, 6);
    await domains.delete('guest', 'a.example');
    const feed = feedRow('t');
    await feeds.put(feed, null, { replaced: undefined });
    await feeds.put({ ...feed, dueAt: 9, revision: 'fired' }, feed.revision);
    await feeds.delete('guest', 't', { replaced: feed });
    await deliveries.add(letter);
    await deliveries.discard('guest', letter.id);
    const pack = entityRow('p', { collection: 'packages' });
    await entities.put(pack, null);
    await entities.put(entityRow('p/a'), null);
    await entities.deleteTree('guest', 'p', pack.revision);
    await members.addToken({ key: 'k', role: 'api', name: 'one', uses: 1, lifeMs: 60_000 });
    await members.join({ token: 'k', name: 'one', role: 'api', key: 'its', lifeMs: 60_000 });
    await members.remove('one');
    await namespaces.delete('other');
    await store().unsealed.add({ what: 'backup', name: '/srv/ward.tar.zst' });
    expect((await noted()).map(({ event, name }) => `${event} ${name}`)).toEqual([
      'create-namespace /other',
      'set-settings /other',
      'rotate-key /other',
      'set-limits /other',
      `create-key /guest/${key.keyId}`,
      `delete-key /guest/${key.keyId}`,
      `create-key /guest/${login.keyId}`,
      'log-out-everywhere ada',
      `delete-key /guest/${login.keyId}`,
      'create-api /guest/v1',
      'update-api /guest/v1',
      'delete-api /guest/v1',
      'create-domain /other/a.example',
      'prove-domain /other/a.example',
      'create-domain /guest/a.example',
      'update-domain /guest/a.example',
      'lose-domain /other/a.example',
      'prove-domain /guest/a.example',
      'delete-domain /guest/a.example',
      'create-feed /guest/t',
      'delete-feed /guest/t',
      `delete-dead-letter /guest/${letter.id}`,
      'create-package /guest/p',
      'create-action /guest/p/a',
      'delete-action /guest/p/a',
      'delete-package /guest/p',
      'create-join-token one',
      'join-node one',
      'remove-node one',
      'delete-namespace /other',
      'backup /srv/ward.tar.zst',
    ]);
    expect(await noted()).toMatchObject(Array.from({ length: 31 }, () => ({ actor: 'ward', from: 'local' })));
    expect(JSON.stringify(await noted())).not.toContain(key.keyHash);
  });
}
