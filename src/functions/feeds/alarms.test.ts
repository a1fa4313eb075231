/** The alarm feeds as clients use them: parameters, lifecycle, ownership of triggers, clean-up. */
import { describe, expect, test } from 'vitest';
import { actAs, type JsonObject } from '../../lib/index.ts';
import { type FeedBench, refTo, startFeeds } from './feeds.fixture.ts';

const start = '2026-03-10T09:59:00Z';
const noon = Date.parse('2026-03-10T12:00:00Z');

describe('CREATE', () => {
  test('then READ shows it as OpenWhisk does', async () => {
    await using bench = await startFeeds(start);
    await bench.addTrigger('tick');
    const args = {
      cron: '0 10 * * *',
      timezone: 'Europe/Berlin',
      stopDate: '2026-04-01',
      trigger_payload: { n: 1 },
    };
    expect(await bench.call('alarms/alarm', 'CREATE', '/_/tick', args)).toEqual({ status: 'success' });
    expect(await bench.call('alarms/alarm', 'READ', '/guest/tick')).toEqual({
      config: {
        name: 'tick',
        namespace: 'guest',
        payload: { n: 1 },
        cron: '0 10 * * *',
        timezone: 'Europe/Berlin',
        stopDate: '2026-04-01',
      },
      status: {
        active: true,
        dateChanged: Date.parse(start),
        dateChangedISO: '2026-03-10T09:59:00.000Z',
        nextFire: '2026-03-11T09:00:00.000Z',
      },
    });
  });

  test.each<[string, JsonObject, string]>([
    ['alarm', {}, 'alarms trigger feed is missing the cron parameter'],
    ['alarm', { cron: '' }, 'alarms trigger feed is missing the cron parameter'],
    ['alarm', { cron: 1772013600 }, "cron pattern '1772013600' is not valid"],
    ['alarm', { cron: { a: 1 } }, 'cron pattern \'{"a":1}\' is not valid'],
    ['alarm', { cron: '0 0 30 2 *' }, "cron pattern '0 0 30 2 *' never fires"],
    ['alarm', { cron: '* * * * *', timezone: 'Mars/Olympus' }, 'Invalid timezone.'],
    ['alarm', { cron: '* * * * *', timezone: 7 }, 'the timezone parameter must be a string'],
    ['alarm', { cron: '* * * * *', strict: 'perhaps' }, 'the strict parameter must be true or false'],
    ['alarm', { cron: '* * * * *', startDate: 5 }, "startDate parameter '5' must be in the future"],
    [
      'alarm',
      { cron: '* * * * *', stopDate: 'tomorrow' },
      "stopDate parameter 'tomorrow' is not a valid Date",
    ],
    [
      'alarm',
      { cron: '* * * * *', startDate: noon, stopDate: noon },
      `stopDate parameter '${noon}' must be greater than the startDate parameter '${noon}'`,
    ],
    [
      'alarm',
      { cron: '0 0 1 1 *', stopDate: noon },
      'the first scheduled trigger fire is not until after the stop date',
    ],
    [
      'alarm',
      { cron: '* * * * *', maxTriggers: 0 },
      'the maxTriggers parameter must be an integer greater than zero',
    ],
    [
      'alarm',
      { cron: '* * * * *', maxTriggers: 3, stopDate: noon },
      'maxTriggers is not allowed when the stopDate parameter is specified',
    ],
    [
      'alarm',
      { cron: '* * * * *', trigger_payload: [1] },
      'the trigger_payload parameter must be an object or a string',
    ],
    ['interval', {}, 'interval trigger feed is missing the minutes parameter'],
    ['interval', { minutes: 'five' }, 'the minutes parameter must be an integer'],
    ['interval', { minutes: 1.5 }, 'the minutes parameter must be an integer'],
    ['interval', { minutes: 0 }, 'the minutes parameter must be an integer greater than zero'],
    ['interval', { minutes: 1e12 }, 'the minutes parameter must be an integer of at most 52596000'],
    ['once', {}, 'alarms once trigger feed is missing the date parameter'],
    ['once', { date: 'tomorrow' }, "date parameter 'tomorrow' is not a valid Date"],
    ['once', { date: 1e300 }, "date parameter '1e+300' is not a valid Date"],
    ['once', { date: Date.parse(start) }, `date parameter '${Date.parse(start)}' must be in the future`],
    [
      'once',
      { date: noon, deleteAfterFire: 'maybe' },
      'deleteAfterFire parameter must be one of [false, true, rules].',
    ],
  ])('%s with %j is refused, and nothing is left behind', async (kind, args, message) => {
    await using bench = await startFeeds(start);
    await bench.addTrigger('t');
    await expect(bench.call(`alarms/${kind}`, 'CREATE', '/_/t', args)).rejects.toMatchObject({
      code: 'FEED_INVALID',
      message,
    });
    expect(await bench.store.feeds.get('guest', 't')).toBeUndefined();
  });

  test('for a missing trigger is refused, and nothing is left behind', async () => {
    await using bench = await startFeeds(start);
    const created = bench.call('alarms/alarm', 'CREATE', '/_/gone', { cron: '* * * * *' });
    await expect(created).rejects.toMatchObject({ message: 'trigger /guest/gone does not exist' });
    await bench.addTrigger('t');
    await bench.addRule('r', 't');
    const ofRule = bench.call('alarms/alarm', 'CREATE', '/_/r', { cron: '* * * * *' });
    await expect(ofRule).rejects.toMatchObject({ message: 'trigger /guest/r does not exist' });
    expect(await bench.store.feeds.nextDue()).toBeUndefined();
  });

  test('a cron that fires more often than the namespace may fire triggers is refused', async () => {
    await using bench = await startFeeds(start);
    await bench.addTrigger('t');
    const identity = { ...bench.guest, limits: { ...bench.guest.limits, firesPerMinute: 30 } };
    const args = { lifecycleEvent: 'CREATE', triggerName: 't', cron: '* * * * * *' };
    await expect(bench.callAs(identity, 'alarms/alarm', args)).rejects.toMatchObject({
      message: expect.stringContaining('fires 60 times in a minute; the namespace may fire 30 triggers'),
    });
    await expect(bench.callAs(bench.guest, 'alarms/alarm', args)).resolves.toEqual({ status: 'success' });
  });

  test('again replaces the alarm, whatever kind it was', async () => {
    await using bench = await startFeeds(start);
    await bench.addTrigger('t');
    await bench.call('alarms/alarm', 'CREATE', '/_/t', { cron: '* * * * *' });
    await bench.call('alarms/interval', 'CREATE', '/_/t', { minutes: 90, startDate: noon });
    expect(await bench.firedUntil('2026-03-10T11:59:00Z')).toEqual([]);
    expect(await bench.firedUntil('2026-03-10T12:00:00Z')).toEqual(['t 2026-03-10T12:00:00']);
  });

  test('stops at the limit of feeds of a namespace', async () => {
    await using bench = await startFeeds(start, { feedsPerNamespace: 2 });
    for (const name of ['a', 'b', 'c']) await bench.addTrigger(name);
    const create = (name: string) => bench.call('alarms/alarm', 'CREATE', name, { cron: '* * * * *' });
    await create('a');
    await create('b');
    await expect(create('c')).rejects.toMatchObject({ code: 'FEEDS_EXHAUSTED' });
    await create('b');
    await bench.call('alarms/alarm', 'DELETE', 'a');
    await create('c');
  });

  test.each<[string, JsonObject, JsonObject]>([
    ['an object', { trigger_payload: { a: { b: [1] } } }, { a: { b: [1] } }],
    ['JSON text of an object', { trigger_payload: '{"a": 1}' }, { a: 1 }],
    ['any other text', { trigger_payload: '[1]' }, { payload: '[1]' }],
    ['nothing', {}, {}],
    ['an empty text, as a package may bind it', { trigger_payload: '' }, {}],
    [
      'a key that is special in JavaScript',
      { trigger_payload: '{"__proto__": 1}' },
      JSON.parse('{"__proto__": 1}'),
    ],
  ])('the payload may be %s', async (_, args, payload) => {
    await using bench = await startFeeds(start);
    await bench.addTrigger('t');
    await bench.call('alarms/once', 'CREATE', '/_/t', { date: noon, ...args });
    await bench.firedUntil('2026-03-10T12:00:00Z');
    expect(JSON.stringify(bench.fired[0]?.payload)).toBe(JSON.stringify(payload));
  });

  test('stores no key, and the payload only encrypted', async () => {
    await using bench = await startFeeds(start);
    await bench.addTrigger('t');
    await bench.call('alarms/once', 'CREATE', '/_/t', { date: noon, trigger_payload: { word: 'xyzzy' } });
    const row = JSON.stringify(await bench.store.feeds.get('guest', 't'));
    expect(row).not.toContain('xyzzy');
    expect(row).not.toContain(bench.key.slice(37));
    expect(await bench.call('alarms/once', 'READ', 't')).toMatchObject({
      config: { payload: { word: 'xyzzy' } },
    });
  });
});

describe('READ', () => {
  const read = (bench: FeedBench, who: string, name: string) =>
    actAs({ who, from: 'here' }, () => bench.call('alarms/once', 'READ', name));

  test('of a payload has an entry in the audit log: one an hour for each reader', async () => {
    await using bench = await startFeeds(start);
    for (const [name, args] of [
      ['told', { trigger_payload: { word: 'xyzzy' } }],
      ['bare', {}],
    ] as const) {
      await bench.addTrigger(name);
      await bench.call('alarms/once', 'CREATE', name, { date: noon, ...args });
    }
    for (const who of ['guest 1', 'guest 1', 'guest 2']) {
      for (const name of ['told', 'bare']) await read(bench, who, name);
    }
    const entries = (await bench.store.unsealed.read(100)).map(({ entry }) => entry);
    expect(entries.filter(({ event }) => String(event).startsWith('read-'))).toEqual(
      ['guest 1', 'guest 2'].map((actor) =>
        expect.objectContaining({ event: 'read-alarm', name: '/guest/told', namespace: 'guest', actor }),
      ),
    );
  });

  test('leaves a record without the payload', async () => {
    await using bench = await startFeeds(start);
    await bench.addTrigger('t');
    await bench.call('alarms/once', 'CREATE', 't', { date: noon, trigger_payload: { word: 'xyzzy' } });
    const { recorded } = bench.feeds.actions.find(({ path }) => path === 'alarms/once') ?? {};
    const { config, status } = await bench.call('alarms/once', 'READ', 't');
    const { payload: _, ...rest } = config as JsonObject;
    expect(recorded?.({ config, status })).toEqual({ config: rest, status });
    expect(recorded?.({ status: 'success' })).toEqual({ status: 'success' });
  });
});

describe('ownership', () => {
  test('a namespace manages only feeds of its own triggers', async () => {
    await using bench = await startFeeds(start);
    await bench.namespaces.create('other');
    await bench.addTrigger('t', 'other');
    for (const event of ['CREATE', 'READ', 'UPDATE', 'PAUSE', 'UNPAUSE', 'DELETE']) {
      await expect(
        bench.call('alarms/alarm', event, '/other/t', { cron: '* * * * *' }),
      ).rejects.toMatchObject({
        code: 'NOT_AUTHORIZED',
      });
    }
  });

  test.each(['', '/_/', '/guest/p/t', '/guest', '/a/b/c/d', '/_/..', '/_/a\nb', 7, { a: 1 }, ['/_/t']])(
    'triggerName %j is refused',
    async (triggerName) => {
      await using bench = await startFeeds(start);
      await bench.addTrigger('t');
      const args = { lifecycleEvent: 'CREATE', triggerName, cron: '* * * * *' };
      await expect(bench.callAs(bench.guest, 'alarms/alarm', args)).rejects.toMatchObject({
        kind: 'invalid',
      });
      expect(await bench.store.feeds.nextDue()).toBeUndefined();
    },
  );

  test('a key of another namespace, or an unknown one, is refused', async () => {
    await using bench = await startFeeds(start);
    await bench.addTrigger('t');
    const others = await bench.namespaces.create('other');
    for (const authKey of [others, 'nonsense', `${bench.key}x`, 7]) {
      const created = bench.call('alarms/alarm', 'CREATE', 't', { cron: '* * * * *', authKey });
      await expect(created).rejects.toMatchObject({ message: 'Trigger authentication request failed.' });
    }
    const { authKey: _, ...without } = {
      authKey: '',
      lifecycleEvent: 'CREATE',
      triggerName: 't',
      cron: '* * * * *',
    };
    await expect(bench.callAs(bench.guest, 'alarms/alarm', without)).resolves.toEqual({ status: 'success' });
  });

  test('an invoke key changes and reads nothing, and a read key only reads', async () => {
    await using bench = await startFeeds(start);
    await bench.addTrigger('t');
    await bench.call('alarms/alarm', 'CREATE', 't', { cron: '* * * * *' });
    const as = (scope: 'invoke' | 'read', lifecycleEvent: string) =>
      bench.callAs({ ...bench.guest, scope }, 'alarms/alarm', {
        lifecycleEvent,
        triggerName: 't',
        cron: '* * * * *',
      });
    for (const event of ['CREATE', 'UPDATE', 'PAUSE', 'UNPAUSE', 'DELETE']) {
      await expect(as('invoke', event)).rejects.toMatchObject({ code: 'NOT_AUTHORIZED' });
      await expect(as('read', event)).rejects.toMatchObject({ code: 'NOT_AUTHORIZED' });
    }
    await expect(as('invoke', 'READ')).rejects.toMatchObject({ code: 'NOT_AUTHORIZED' });
    await expect(as('read', 'READ')).resolves.toMatchObject({ status: { active: true } });
  });

  test.each([undefined, 'create', 'toString', 7])('lifecycleEvent %j is refused', async (lifecycleEvent) => {
    await using bench = await startFeeds(start);
    const args: JsonObject = { lifecycleEvent, triggerName: 't' };
    await expect(bench.callAs(bench.guest, 'alarms/alarm', args)).rejects.toMatchObject({
      message: expect.stringMatching(/^unsupported lifecycleEvent/),
    });
  });
});

describe('UPDATE', () => {
  test('changes the fields that are sent, and keeps the rest', async () => {
    await using bench = await startFeeds(start);
    await bench.addTrigger('t');
    await bench.call('alarms/alarm', 'CREATE', 't', { cron: '0 12 * * *', trigger_payload: { n: 1 } });
    await bench.call('alarms/alarm', 'UPDATE', 't', { timezone: 'America/New_York' });
    expect(await bench.call('alarms/alarm', 'READ', 't')).toMatchObject({
      config: { cron: '0 12 * * *', timezone: 'America/New_York', payload: { n: 1 } },
      status: { nextFire: '2026-03-10T16:00:00.000Z' },
    });
    await bench.call('alarms/alarm', 'UPDATE', 't', { trigger_payload: { n: 2 } });
    await bench.firedUntil('2026-03-10T16:00:00Z');
    expect(bench.fired).toEqual([{ trigger: 't', payload: { n: 2 }, at: '2026-03-10T16:00:00' }]);
  });

  test('follows the alarm’s kind, not the called action', async () => {
    await using bench = await startFeeds(start);
    await bench.addTrigger('t');
    await bench.call('alarms/once', 'CREATE', 't', { date: noon });
    const dates = { startDate: noon, stopDate: noon + 1, maxTriggers: 5 };
    for (const args of [{}, dates, { cron: '* * * * *' }]) {
      await expect(bench.call('alarms/alarm', 'UPDATE', 't', args)).rejects.toMatchObject({
        message: 'no updatable parameters were specified',
      });
    }
    await bench.call('alarms/alarm', 'UPDATE', 't', { date: '2026-03-10T13:00:00Z' });
    expect(await bench.firedUntil('2026-03-10T12:30:00Z')).toEqual([]);
    expect(await bench.firedUntil('2026-03-10T13:00:00Z')).toEqual(['t 2026-03-10T13:00:00']);
  });

  test('with invalid parameters changes nothing', async () => {
    await using bench = await startFeeds(start);
    await bench.addTrigger('t');
    await bench.call('alarms/interval', 'CREATE', 't', { minutes: 5, stopDate: noon });
    const before = await bench.store.feeds.get('guest', 't');
    for (const args of [
      { minutes: -1 },
      { startDate: noon + 1 },
      { stopDate: 'x' },
      { trigger_payload: 7 },
    ]) {
      await expect(bench.call('alarms/interval', 'UPDATE', 't', args)).rejects.toMatchObject({
        kind: 'invalid',
      });
    }
    expect(await bench.store.feeds.get('guest', 't')).toEqual(before);
  });

  test('revives an ended alarm, with all its firings', async () => {
    await using bench = await startFeeds(start);
    await bench.addTrigger('t');
    await bench.call('alarms/alarm', 'CREATE', 't', { cron: '0 * * * *', maxTriggers: 1 });
    expect(await bench.firedUntil('2026-03-10T10:00:00Z')).toHaveLength(1);
    expect(await bench.call('alarms/alarm', 'READ', 't')).toMatchObject({
      status: { active: false, triggersLeft: 0, reason: { kind: 'AUTO' } },
    });
    expect(await bench.firedUntil('2026-03-10T12:00:00Z')).toEqual([]);
    await bench.call('alarms/alarm', 'UPDATE', 't', { cron: '30 * * * *' });
    expect(await bench.firedUntil('2026-03-10T12:30:00Z')).toHaveLength(1);
    expect(await bench.firedUntil('2026-03-10T13:30:00Z')).toHaveLength(0);
  });
});

describe('PAUSE and UNPAUSE', () => {
  test('a date during a pause does not fire, not even afterwards', async () => {
    await using bench = await startFeeds(start);
    await bench.addTrigger('t');
    await bench.call('alarms/alarm', 'CREATE', 't', { cron: '0 * * * *' });
    await bench.call('alarms/alarm', 'PAUSE', 't');
    await bench.call('alarms/alarm', 'PAUSE', 't');
    expect(await bench.firedUntil('2026-03-10T12:30:00Z')).toEqual([]);
    expect(await bench.call('alarms/alarm', 'READ', 't')).toMatchObject({
      status: { active: false, reason: { kind: 'USER', message: 'Paused' } },
    });
    await bench.call('alarms/alarm', 'UNPAUSE', 't');
    await bench.call('alarms/alarm', 'UNPAUSE', 't');
    expect(await bench.firedUntil('2026-03-10T12:59:59Z')).toEqual([]);
    expect(await bench.firedUntil('2026-03-10T13:00:00Z')).toEqual(['t 2026-03-10T13:00:00']);
  });

  test('a paused alarm stays paused after an update', async () => {
    await using bench = await startFeeds(start);
    await bench.addTrigger('t');
    await bench.call('alarms/alarm', 'CREATE', 't', { cron: '0 * * * *' });
    await bench.call('alarms/alarm', 'PAUSE', 't');
    await bench.call('alarms/alarm', 'UPDATE', 't', { cron: '30 * * * *' });
    expect(await bench.firedUntil('2026-03-10T12:00:00Z')).toEqual([]);
    await bench.call('alarms/alarm', 'UNPAUSE', 't');
    expect(await bench.firedUntil('2026-03-10T12:30:00Z')).toEqual(['t 2026-03-10T12:30:00']);
  });

  test('an alarm whose only date was during the pause says so', async () => {
    await using bench = await startFeeds(start);
    await bench.addTrigger('t');
    await bench.call('alarms/once', 'CREATE', 't', { date: noon });
    await bench.call('alarms/once', 'PAUSE', 't');
    bench.set('2026-03-10T12:00:01Z');
    await expect(bench.call('alarms/once', 'UNPAUSE', 't')).rejects.toMatchObject({
      message: 'the alarm has no date left: update or delete it',
    });
  });
});

describe('DELETE', () => {
  test('ends the alarm, and succeeds for an absent one', async () => {
    await using bench = await startFeeds(start);
    await bench.addTrigger('t');
    expect(await bench.call('alarms/alarm', 'DELETE', 't')).toEqual({ status: 'success' });
    await bench.call('alarms/alarm', 'CREATE', 't', { cron: '* * * * *' });
    expect(await bench.call('alarms/alarm', 'DELETE', 't')).toEqual({ status: 'success' });
    expect(await bench.firedUntil('2026-03-10T12:00:00Z')).toEqual([]);
    for (const event of ['READ', 'UPDATE', 'PAUSE', 'UNPAUSE']) {
      await expect(bench.call('alarms/alarm', event, 't', { cron: '* * * * *' })).rejects.toMatchObject({
        code: 'NOT_FOUND',
        message: 'could not find trigger /guest/t in the database',
      });
    }
  });

  test('of the trigger itself removes the feed, too', async () => {
    await using bench = await startFeeds(start);
    await bench.addTrigger('t');
    await bench.call('alarms/alarm', 'CREATE', 't', { cron: '* * * * *' });
    await bench.feeds.forget(refTo('t'));
    await bench.feeds.forget(refTo('t'));
    expect(await bench.store.feeds.get('guest', 't')).toBeUndefined();
  });
});

test('the annotations mark feeds, and describe their parameters', async () => {
  await using bench = await startFeeds(start);
  const paths = bench.feeds.actions.map(({ path }) => path);
  expect(paths).toEqual(['alarms/alarm', 'alarms/interval', 'alarms/once', 'webhooks/webhook']);
  for (const { annotations } of bench.feeds.actions) {
    expect(annotations).toContainEqual({ key: 'feed', value: true });
    expect(annotations.map(({ key }) => key)).not.toContain('web-export');
  }
});
