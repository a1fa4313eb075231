import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseDestination } from '../../forwarding/index.ts';
import type { JsonObject, JsonValue } from '../../lib/index.ts';
import { type EntityRow, openStore } from '../../store/index.ts';
import { parseEntityName, parseNamespaceName } from '../entities/names.ts';
import { alarmOfRow, rowOfAlarm } from '../feeds/alarm.ts';
import { activeState } from '../feeds/alarm-state.ts';
import { openPayload } from '../feeds/alarms.ts';
import { newToken, rowOfWebhook, webhookOfRow } from '../feeds/webhook.ts';
import { defaultLimits } from '../limits.ts';
import { destinationIn, withDestination } from '../log-forwarding/stored-destination.ts';
import { Namespaces } from '../namespaces/namespaces.ts';
import { placeOfDelivery } from '../triggers/delivery.ts';
import { createVault, sealingKeyOf, type VaultKey } from '../vault/vault.ts';
import { reseal, surveyVault } from './reseal.ts';
import { acmePlace } from './sealed-rows.ts';

const key = (id: string): VaultKey => ({ id, secret: randomBytes(32) });
const [one, two] = [key('one'), key('two')];
const before = createVault(() => [one]);
const after = createVault(() => [two, one]);
const onlyNew = createVault(() => [two]);

async function start() {
  const folder = await mkdtemp(join(tmpdir(), 'ward-reseal-'));
  const store = await openStore({ path: join(folder, 'data', 'ward.db') });
  await new Namespaces(store, defaultLimits).create('guest');
  return {
    store,
    async [Symbol.asyncDispose]() {
      await store.close();
      await rm(folder, { recursive: true });
    },
  };
}

const entity = (path: string, collection: EntityRow['collection'], document: JsonObject): EntityRow => ({
  namespace: 'guest',
  path,
  collection,
  revision: `r-${path}`,
  updatedAt: 1,
  codeDigest: null,
  link: null,
  shared: false,
  document,
});

/** Writes one row of each kind, sealed with the old key, and an action from before encryption. */
async function fill({ store }: Awaited<ReturnType<typeof start>>): Promise<void> {
  const secret = (place: string) => before.sealParameters([{ key: 'a', value: `secret of ${place}` }], place);
  const entities: [string, EntityRow['collection']][] = [
    ['p', 'packages'],
    ['p/a', 'actions'],
    ['t', 'triggers'],
    ['hooked', 'triggers'],
  ];
  for (const [path, collection] of entities) {
    await store.entities.put(entity(path, collection, { parameters: secret(`guest/${path}`), x: 1 }), null);
  }
  const plain = [{ key: 'a', value: 'in clear', init: true }];
  await store.entities.put(entity('old', 'actions', { parameters: plain }), null);
  const trigger = { namespace: parseNamespaceName('guest'), name: parseEntityName('t') };
  const webhook = {
    trigger: { ...trigger, name: parseEntityName('hooked') },
    token: newToken(),
    secret: 'the key',
    signature: 'ward',
    isActive: true,
    dateChanged: 1,
    revision: 'w',
  } as const;
  await store.feeds.put(rowOfWebhook(webhook, before), null);
  const alarm = rowOfAlarm({
    trigger,
    config: { kind: 'once', date: 1, deleteAfterFire: 'false' },
    payload: before.seal({ a: 1 }, 'guest/t feed'),
    state: activeState(1, null, 1),
    revision: 'f',
  });
  const splunk = { host: 'a.example', port: 1, index: 'main', hec_token: 's3cret' };
  const forwarded = withDestination({ days: 7 }, parseDestination({ splunk_hec: splunk }), 'guest', before);
  await store.namespaces.putSettings('guest', forwarded, {});
  const text = 'w1:one:not-sealed';
  await store.feeds.put({ ...alarm, document: { ...alarm.document, text } }, null);
  const delivery = { id: 'd', namespace: 'guest', rule: 'r', attempt: 3, createdAt: 1, dueAt: 1 };
  const rule = { namespace: parseNamespaceName('guest'), name: parseEntityName('r') };
  const payload = before.seal({ a: 1 }, placeOfDelivery({ id: 'd', rule }));
  await store.deliveries.add({ ...delivery, state: 'dead', document: { payload } });
  await store.deliveries.add({ ...delivery, id: 'w', state: 'waiting', document: { payload } });
  for (const kind of ['account', 'certificate'] as const) {
    const row = { kind, name: 'a.example' };
    await store.acme.put({ ...row, document: { sealed: before.seal(kind, acmePlace(row)), until: 1 } }, null);
  }
}

const textAt = (value: JsonValue | undefined) => (typeof value === 'string' ? value : '');

test('a rotation that slept until another one took over puts nothing back under an older key', async () => {
  await using at = await start();
  await fill(at);
  const { leases } = at.store;
  const request = { name: 'vault rotate', holder: 'a', ms: 60_000 };
  const asleep = await leases.take(request);
  if (asleep === undefined) throw new Error('no lease');
  await leases.drop(asleep);
  const next = await leases.take(request);
  await reseal(at.store, after, 'two', at.store.under(next ?? asleep));
  const { kept } = await surveyVault(at.store);
  const backwards = createVault(() => [one, two]);
  const late = reseal(at.store, backwards, 'one', at.store.under(asleep));
  await expect(late).rejects.toMatchObject({ code: 'STORE_LEASE_LOST' });
  expect((await surveyVault(at.store)).kept).toEqual(kept);
  expect(kept.get('two')).toBeGreaterThan(5);
});

describe('a rotation', () => {
  test('encrypts all stored values with the newest key', async () => {
    await using at = await start();
    await fill(at);
    expect(await reseal(at.store, after, 'two')).toEqual({ rewritten: 11, unreadable: 1 });
    const settings = (await at.store.namespaces.byName('guest'))?.settings ?? {};
    expect(destinationIn(settings, 'guest', onlyNew)?.name).toBe('splunk_hec');
    expect(settings['days']).toBe(7);
    for (const path of ['p', 'p/a', 't', 'hooked']) {
      const row = await at.store.entities.get('guest', path);
      expect(onlyNew.openParameters(row?.document['parameters'] ?? null, `guest/${path}`)).toEqual([
        { key: 'a', value: `secret of guest/${path}` },
      ]);
      expect(row?.document['x']).toBe(1);
    }
    const alarm = await at.store.feeds.get('guest', 't');
    expect(alarm?.document['text']).toBe('w1:one:not-sealed');
    expect(alarm === undefined ? undefined : openPayload(onlyNew, alarmOfRow(alarm))).toEqual({ a: 1 });
    const hooked = await at.store.feeds.get('guest', 'hooked');
    expect(hooked === undefined ? undefined : webhookOfRow(hooked, onlyNew).secret).toBe('the key');
    for (const kind of ['account', 'certificate'] as const) {
      const row = { kind, name: 'a.example' };
      const document = (await at.store.acme.get(kind, row.name))?.document;
      expect(onlyNew.open(textAt(document?.['sealed']), acmePlace(row))).toBe(kind);
      expect(document?.['until']).toBe(1);
    }
    const dead = await at.store.deliveries.get('guest', 'd');
    expect(onlyNew.open(textAt(dead?.document['payload']), 'guest/r d')).toEqual({ a: 1 });
  });

  test('encrypts values that an earlier version of Ward wrote unencrypted', async () => {
    await using at = await start();
    await fill(at);
    await reseal(at.store, after, 'two');
    const row = await at.store.entities.get('guest', 'old');
    expect(JSON.stringify(row)).not.toContain('in clear');
    expect(onlyNew.openParameters(row?.document['parameters'] ?? null, 'guest/old')).toEqual([
      { key: 'a', value: 'in clear', init: true },
    ]);
  });

  test('changes neither revisions nor times, and nothing the second time', async () => {
    await using at = await start();
    await fill(at);
    await reseal(at.store, after, 'two');
    expect(await at.store.entities.get('guest', 'p/a')).toMatchObject({ revision: 'r-p/a', updatedAt: 1 });
    expect(await at.store.feeds.get('guest', 't')).toMatchObject({ revision: 'f' });
    expect(await reseal(at.store, after, 'two')).toEqual({ rewritten: 0, unreadable: 1 });
  });

  test('leaves values alone that cannot be decrypted', async () => {
    await using at = await start();
    const parameters = before.sealParameters([{ key: 'a', value: 1 }], 'guest/elsewhere');
    await at.store.entities.put(entity('moved', 'actions', { parameters }), null);
    const strange = createVault(() => [key('lost')]).sealParameters([{ key: 'a', value: 1 }], 'guest/lost');
    await at.store.entities.put(entity('lost', 'actions', { parameters: strange }), null);
    expect(await reseal(at.store, after, 'two')).toEqual({ rewritten: 0, unreadable: 2 });
    expect((await at.store.entities.get('guest', 'moved'))?.document).toEqual({ parameters });
  });

  test('finds values that a writer put back in the meantime', async () => {
    await using at = await start();
    await fill(at);
    const { entities } = at.store;
    const written = await entities.get('guest', 'p/a');
    let isPutBack = false;
    const meddled = {
      ...entities,
      async put(row: EntityRow, expected: string | null) {
        const won = await entities.put(row, expected);
        if (row.path === 'p/a' && !isPutBack && written !== undefined) {
          isPutBack = true;
          await entities.put({ ...written, revision: 'new' }, row.revision);
        }
        return won;
      },
    };
    await reseal({ ...at.store, entities: meddled }, after, 'two');
    const row = await entities.get('guest', 'p/a');
    expect(row?.revision).toBe('new');
    expect(onlyNew.openParameters(row?.document['parameters'] ?? null, 'guest/p/a')).toHaveLength(1);
  });
});

test('a survey counts values by key, unencrypted ones, and waiting ones', async () => {
  await using at = await start();
  await fill(at);
  expect(await surveyVault(at.store)).toEqual({
    kept: new Map([['one', 11]]),
    clear: 1,
    waiting: new Map([['one', 1]]),
    isPartial: false,
  });
  await reseal(at.store, after, 'two');
  const survey = await surveyVault(at.store);
  expect(survey).toMatchObject({ clear: 0, waiting: new Map([['one', 1]]) });
  expect([...survey.kept].toSorted()).toEqual([
    ['one', 1],
    ['two', 11],
  ]);
  expect(sealingKeyOf('w1:one:not-sealed')).toBe('one');
});
