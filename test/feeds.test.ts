/** Feeds from end to end: with OpenWhisk's own client, real time, real sandboxes, restarts and `kill -9`. */
import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { missingForSandboxes, type Reply, Ward } from './ward.ts';

const missing = missingForSandboxes();
const limits = { firesPerMinute: 100_000, invocationsPerMinute: 100_000 };
const echo = 'function main(args) { return args; }';
const alarms = '/whisk.system/alarms';

/** A time in the near future, late enough to set up the test before it. */
const soon = (ms = 1500) => Date.now() + ms;

interface FeedOptions {
  readonly name: string;
  readonly trigger: string;
  readonly params?: object;
}

/** The client can do more than its types say. */
interface FeedClient {
  create(options: FeedOptions): Promise<Reply['body']>;
  get(options: FeedOptions): Promise<Reply['body']>;
  update(options: FeedOptions): Promise<Reply['body']>;
  delete(options: FeedOptions): Promise<Reply['body']>;
}

function clientOf(ward: Ward, auth?: string) {
  const { triggers, rules, actions, feeds } = ward.client(auth);
  return { triggers, rules, actions, feeds: feeds as unknown as FeedClient };
}

/** A trigger with a rule that starts `echo`. */
async function makeTrigger(ward: Ward, name: string): Promise<void> {
  const ow = clientOf(ward);
  await ow.triggers.create({ name });
  await ow.rules.create({ name: `${name}-rule`, trigger: `/_/${name}`, action: '/_/echo' });
}

/** Arguments of `echo`'s activations so far that have this `test`; oldest first. */
async function heard(ward: Ward, test: string): Promise<unknown[]> {
  const { body } = await ward.request(
    'GET',
    '/api/v1/namespaces/_/activations?name=echo&docs=true&limit=200',
  );
  return body
    .map((record: { response: { result: { test?: string } } }) => record.response.result)
    .filter((result: { test?: string }) => result?.test === test)
    .toReversed();
}

async function hears(ward: Ward, test: string, count: number): Promise<unknown[]> {
  await ward.until(async () => (await heard(ward, test)).length >= count);
  return heard(ward, test);
}

describe.skipIf(missing !== undefined)(`feeds${missing ? ` (${missing})` : ''}`, () => {
  let ward: Ward;

  beforeAll(async () => {
    ward = await Ward.start({ limits });
    await ward.deploy('echo', echo);
  });
  afterAll(async () => {
    await ward?.[Symbol.asyncDispose]();
  });

  it('a cron with seconds fires until its feed is deleted', async () => {
    const ow = clientOf(ward);
    await makeTrigger(ward, 'tick');
    const params = { cron: '* * * * * *', trigger_payload: { test: 'tick' } };
    const created = await ow.feeds.create({ name: `${alarms}/alarm`, trigger: 'tick', params });
    expect(created).toMatchObject({ response: { result: { status: 'success' }, success: true } });
    await hears(ward, 'tick', 2);
    const { body } = await ward.request('GET', '/api/v1/namespaces/_/activations?name=tick&docs=true');
    expect(body[0]).toMatchObject({ response: { result: { test: 'tick' } }, subject: 'guest' });
    await ow.feeds.delete({ name: `${alarms}/alarm`, trigger: 'tick' });
    await ow.feeds.delete({ name: `${alarms}/alarm`, trigger: 'tick' });
    await expect(ow.feeds.get({ name: `${alarms}/alarm`, trigger: 'tick' })).rejects.toThrow(
      'could not find trigger /guest/tick in the database',
    );
  });

  it('a feed that is refused leaves nothing behind', async () => {
    const ow = clientOf(ward);
    await ow.triggers.create({ name: 'refused' });
    const create = (params: object) =>
      ow.feeds.create({ name: `${alarms}/alarm`, trigger: 'refused', params });
    await expect(create({ cron: '0 0 30 2 *' })).rejects.toThrow("cron pattern '0 0 30 2 *' never fires");
    await expect(create({})).rejects.toThrow('alarms trigger feed is missing the cron parameter');
    await expect(ow.feeds.get({ name: `${alarms}/alarm`, trigger: 'refused' })).rejects.toThrow(
      /could not find/,
    );
    const gone = ow.feeds.create({
      name: `${alarms}/alarm`,
      trigger: 'no-such',
      params: { cron: '* * * * *' },
    });
    await expect(gone).rejects.toThrow('trigger /guest/no-such does not exist');
    const reply = await ward.request('GET', '/api/v1/namespaces/_/triggers/refused');
    expect(reply.status).toBe(200);
  });

  it('an alarm that fires once takes its trigger and rules with it', async () => {
    const ow = clientOf(ward);
    await makeTrigger(ward, 'once');
    const params = { date: soon(), deleteAfterFire: 'rules', trigger_payload: '{"test": "once"}' };
    await ow.feeds.create({ name: `${alarms}/once`, trigger: 'once', params });
    expect(await hears(ward, 'once', 1)).toEqual([{ test: 'once' }]);
    for (const path of ['rules/once-rule', 'triggers/once']) {
      await ward.until(
        async () => (await ward.request('GET', `/api/v1/namespaces/_/${path}`)).status === 404,
      );
    }
  });

  it('a feed’s life cycle, through a binding of the package', async () => {
    const ow = clientOf(ward);
    await ward.request('PUT', '/api/v1/namespaces/_/packages/clock', {
      body: {
        binding: { namespace: 'whisk.system', name: 'alarms' },
        parameters: [{ key: 'minutes', value: 3 }],
      },
    });
    await makeTrigger(ward, 'life');
    const startDate = soon(600_000);
    const feed = { name: '/_/clock/interval', trigger: 'life' };
    await ow.feeds.create({ ...feed, params: { startDate, trigger_payload: { test: 'life' } } });
    const shown = await ow.feeds.get(feed);
    expect(shown.response.result).toMatchObject({
      config: { name: 'life', namespace: 'guest', minutes: 3, startDate, payload: { test: 'life' } },
      status: { active: true, nextFire: new Date(startDate).toISOString() },
    });
    const call = (lifecycleEvent: string) =>
      ow.actions.invoke({
        name: '/whisk.system/alarms/interval',
        params: { lifecycleEvent, triggerName: '/guest/life' },
        blocking: true,
      });
    await call('PAUSE');
    expect((await ow.feeds.get(feed)).response.result).toMatchObject({ status: { active: false } });
    await call('UNPAUSE');
    await ow.feeds.update({ ...feed, params: { startDate: soon() } });
    expect(await hears(ward, 'life', 1)).toEqual([{ test: 'life' }]);
    await ow.triggers.delete({ name: 'life' });
    await expect(ow.feeds.get(feed)).rejects.toThrow(/could not find/);
  });

  it('no one can manage the feeds of others, or pass off others’ keys as their own', async () => {
    const auth = await ward.createNamespace('others');
    const theirs = clientOf(ward, auth);
    await clientOf(ward).triggers.create({ name: 'mine' });
    const params = { cron: '* * * * *' };
    const invoke = (more: object) =>
      theirs.actions.invoke({
        name: '/whisk.system/alarms/alarm',
        params: { lifecycleEvent: 'CREATE', ...params, ...more },
        blocking: true,
      });
    await expect(invoke({ triggerName: '/guest/mine' })).rejects.toThrow(
      /not authorized to access 'guest\/mine'/,
    );
    await expect(invoke({ triggerName: '/guest/mine', authKey: ward.auth })).rejects.toThrow(
      /not authorized/,
    );
    await theirs.triggers.create({ name: 'mine' });
    await expect(invoke({ triggerName: '/_/mine', authKey: ward.auth })).rejects.toThrow(
      'Trigger authentication request failed.',
    );
  });

  it('a webhook fires its trigger for a client that can sign', async () => {
    const ow = clientOf(ward);
    const secret = 'known to both sides';
    await makeTrigger(ward, 'hook');
    const created = await ow.feeds.create({
      name: '/whisk.system/webhooks/webhook',
      trigger: 'hook',
      params: { secret },
    });
    const { url } = created.response.result;
    expect(url).toMatch(new RegExp(`^${ward.url}/webhooks/[\\w-]{43}$`));
    // More keys may read records than may know the URL.
    expect((await ward.activation(created.activationId)).response.result).toEqual({ status: 'success' });
    const send = (signedAt: number, body = '{"test":"hook"}') => {
      const at = Math.round(signedAt / 1000);
      const v1 = createHmac('sha256', secret).update(`${at}.{"test":"hook"}`).digest('hex');
      const headers = { 'content-type': 'application/json', 'x-ward-signature': `t=${at},v1=${v1}` };
      return fetch(`${url}?test=hook`, { method: 'POST', body, headers });
    };
    const fired = await send(Date.now());
    expect(fired.status).toBe(202);
    const record = await ward.activation(fired.headers.get('x-openwhisk-activation-id') ?? '');
    expect(record.response.result).toMatchObject({
      method: 'post',
      query: { test: 'hook' },
      body: { test: 'hook' },
    });
    expect((await send(Date.now() - 400_000)).status).toBe(401);
    expect((await send(Date.now(), '{"test":"other"}')).status).toBe(401);
    const readFeed = () => ward.request('GET', '/ward/v1/namespaces/_/feeds/hook');
    await ward.until(async () => (await readFeed()).body.webhook.refused?.count === 2);
    const refusal = { status: 401, address: '127.0.0.1', at: expect.any(Number) };
    const refused = { count: 2, last: [refusal, refusal] };
    expect((await readFeed()).body.webhook).toEqual({ signature: 'ward', url, refused });
    const told = await ow.feeds.get({ name: '/whisk.system/webhooks/webhook', trigger: 'hook' });
    expect(told.response.result).toMatchObject({ config: { url }, status: { refused } });
    expect((await fetch(url)).status).toBe(405);
    expect((await fetch(`${url}x`, { method: 'POST' })).status).toBe(404);
    await ow.feeds.delete({ name: '/whisk.system/webhooks/webhook', trigger: 'hook' });
    expect((await send(Date.now())).status).toBe(404);
  });

  it.each([
    ['utils/echo', { payload: 'Five fuzzy felines' }, { payload: 'Five fuzzy felines' }],
    ['utils/sort', { lines: ['b', 'a'] }, { lines: ['a', 'b'], length: 2 }],
    ['utils/namespace', {}, { namespace: 'guest' }],
    ['samples/greeting', { name: 'Ada' }, { payload: 'Hello, Ada from somewhere!' }],
  ])('/whisk.system/%s runs for its caller', async (name, params, result) => {
    const ow = clientOf(ward);
    const answer = await ow.actions.invoke({
      name: `/whisk.system/${name}`,
      params,
      blocking: true,
      result: true,
    });
    expect(answer).toEqual(result);
  });

  it('packages of /whisk.system can be read but not changed', async () => {
    const { body } = await ward.request('GET', '/api/v1/namespaces/whisk.system/packages');
    const names = body.map(({ name }: { name: string }) => name);
    expect(names.toSorted()).toEqual(['alarms', 'apimgmt', 'samples', 'utils', 'webhooks']);
    const alarmPackage = await ward.request('GET', '/api/v1/namespaces/whisk.system/packages/alarms');
    const feeds = alarmPackage.body.feeds.map(({ name }: { name: string }) => name);
    expect(feeds.toSorted()).toEqual(['alarm', 'interval', 'once']);
    const path = '/api/v1/namespaces/whisk.system/actions/alarms/alarm';
    expect((await ward.request('DELETE', path)).status).toBe(403);
    const put = await ward.request('PUT', `${path}?overwrite=true`, {
      body: { exec: { kind: 'nodejs:24', code: echo } },
    });
    expect(put.status).toBe(403);
  });

  // Last, as they end the server.
  it.each(['stop', 'kill'] as const)('%s: alarms go on, and what was missed fires once', async (end) => {
    const [seconds, missed] = [`seconds-${end}`, `missed-${end}`];
    const ow = clientOf(ward);
    await makeTrigger(ward, seconds);
    await makeTrigger(ward, missed);
    await ow.feeds.create({
      name: `${alarms}/alarm`,
      trigger: seconds,
      params: { cron: '* * * * * *', trigger_payload: { test: seconds } },
    });
    const date = soon(2500);
    await ow.feeds.create({
      name: `${alarms}/once`,
      trigger: missed,
      params: { date, trigger_payload: { test: missed } },
    });
    await hears(ward, seconds, 1);
    await ward[end]();
    while (Date.now() < date) await new Promise((resolve) => setTimeout(resolve, 50));

    ward = await Ward.start({ limits }, ward.dataDir);
    const before = (await heard(ward, seconds)).length;
    expect(await hears(ward, missed, 1)).toEqual([{ test: missed }]);
    await hears(ward, seconds, before + 2);
    const shown = await clientOf(ward).feeds.get({ name: `${alarms}/once`, trigger: missed });
    expect(shown.response.result.status).toMatchObject({
      active: false,
      reason: { message: 'Automatically disabled after firing once' },
    });
    expect(await heard(ward, missed)).toHaveLength(1);
    await clientOf(ward).feeds.delete({ name: `${alarms}/alarm`, trigger: seconds });
  });
});
