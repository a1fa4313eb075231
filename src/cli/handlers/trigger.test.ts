/** `ward trigger`, against a stand-in for the API and for feeds. */
import { afterAll, beforeEach, expect, test } from 'vitest';
import {
  asked,
  failed,
  activationId as id,
  type RecordedRequest,
  record,
  startBench,
  stubKey,
  triggersUrl,
} from '../cli.fixture.ts';

const bench = await startBench();
const { api, ward } = bench;
afterAll(() => bench[Symbol.asyncDispose]());
beforeEach(() => {
  api.requests.length = 0;
  api.answers.clear();
});

const feedUrl = '/api/v1/namespaces/whisk.system/actions/alarms/alarm';
const url = `${triggersUrl}/nightly`;
const plain = { namespace: 'guest', name: 'nightly', version: '0.0.1', annotations: [], parameters: [] };
const fed = { ...plain, annotations: [{ key: 'feed', value: '/whisk.system/alarms/alarm' }] };

function lifecycle(request: RecordedRequest | undefined): unknown {
  const { body } = request ?? {};
  return typeof body === 'object' && body !== null && 'lifecycleEvent' in body
    ? body.lifecycleEvent
    : undefined;
}

test('a plain trigger has its parameters and annotations', async () => {
  api.answers.set(`PUT ${url}`, { body: plain });
  const { code, stderr } = await ward(['trigger', 'create', 'nightly', '-p', 'a', '1', '-a', 'b', 'x']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: 'ok: created trigger nightly\n' });
  expect(api.requests).toMatchObject([
    {
      url: `${url}?overwrite=false`,
      body: {
        name: 'nightly',
        parameters: [{ key: 'a', value: 1 }],
        annotations: [{ key: 'b', value: 'x' }],
      },
    },
  ]);
});

test('with a feed, creates the trigger, then invokes CREATE with the parameters and the key', async () => {
  api.answers.set(`PUT ${url}`, { body: fed });
  api.answers.set(`POST ${feedUrl}`, { body: record });
  const args = ['--feed', '/whisk.system/alarms/alarm', '-p', 'cron', '0 3 * * *'];
  expect((await ward(['trigger', 'create', 'nightly', ...args])).code).toBe(0);
  expect(asked(api)).toEqual([`PUT ${url}?overwrite=false`, `POST ${feedUrl}?blocking=true&result=false`]);
  expect(api.requests[0]?.body).toEqual({
    namespace: '_',
    name: 'nightly',
    annotations: [{ key: 'feed', value: '/whisk.system/alarms/alarm' }],
  });
  expect(api.requests[1]?.body).toEqual({
    cron: '0 3 * * *',
    lifecycleEvent: 'CREATE',
    triggerName: '/_/nightly',
    authKey: stubKey,
  });
});

test('--feed-param and --trigger-param choose the owner of a parameter', async () => {
  api.answers.set(`PUT ${url}`, { body: fed });
  api.answers.set(`POST ${feedUrl}`, { body: record });
  const args = ['-f', '/whisk.system/alarms/alarm', '-F', 'minutes', '5', '-T', 'who', 'Ada'];
  expect((await ward(['trigger', 'create', 'nightly', ...args])).code).toBe(0);
  expect(api.requests[0]?.body).toMatchObject({ parameters: [{ key: 'who', value: 'Ada' }] });
  expect(api.requests[1]?.body).toMatchObject({ minutes: 5 });
  expect(api.requests[1]?.body).not.toHaveProperty('who');
  expect((await ward(['trigger', 'create', 'nightly', '-F', 'a', '1'])).code).toBe(2);
  expect((await ward(['trigger', 'create', 'nightly', ...args, '-p', 'b', '1'])).code).toBe(2);
});

test.each([
  ['fails', { status: 502, body: failed }, 'no luck'],
  [
    'is not there',
    { status: 404, body: { error: 'The requested resource does not exist.' } },
    'does not exist',
  ],
  ['does not answer in time', { status: 202, body: { activationId: id } }, 'not answered in time'],
])('a feed that %s leaves no trigger', async (_, answer, words) => {
  api.answers.set(`PUT ${url}`, { body: fed });
  api.answers.set(`DELETE ${url}`, { body: fed });
  api.answers.set(`POST ${feedUrl}`, answer);
  const { code, stderr } = await ward(['trigger', 'create', 'nightly', '-f', '/whisk.system/alarms/alarm']);
  expect(code).toBe(answer.status === 404 ? 5 : 1);
  expect(stderr).toContain(words);
  expect(stderr).not.toContain('ok:');
  expect(api.requests.filter(({ method }) => method !== 'GET').map(lifecycle)).toEqual([
    undefined,
    'CREATE',
    'DELETE',
    undefined,
  ]);
  expect(api.requests.at(-1)?.method).toBe('DELETE');
});

test.each(['create', 'update'])('%s prints the URL of a webhook on stdout', async (verb) => {
  api.answers.set(`GET ${url}`, { body: fed });
  api.answers.set(`PUT ${url}`, { body: fed });
  const address = 'http://ward.example/webhooks/t0k3n';
  const response = { status: 'success', success: true, result: { status: 'success', url: address } };
  api.answers.set(`POST ${feedUrl}`, { body: { ...record, response } });
  const options = verb === 'create' ? ['--feed', '/whisk.system/alarms/alarm'] : ['-F', 'rotate', 'true'];
  const told = await ward(['trigger', verb, 'nightly', ...options]);
  expect(told).toMatchObject({ code: 0, stdout: `${address}\n` });
  const asJson = await ward(['trigger', verb, 'nightly', ...options, '-o', 'json']);
  expect(JSON.parse(asJson.stdout)).toEqual(fed);
  expect(asJson.stderr).toContain(`url:   ${address}\n`);
});

test('update configures the feed, and does not change the trigger if only the feed is meant', async () => {
  api.answers.set(`GET ${url}`, { body: fed });
  api.answers.set(`PUT ${url}`, { body: fed });
  api.answers.set(`POST ${feedUrl}`, { body: record });
  await ward(['trigger', 'update', 'nightly', '-p', 'cron', '0 4 * * *']);
  expect(api.requests.map(lifecycle)).toEqual([undefined, 'UPDATE']);
  expect(api.requests[1]?.body).toMatchObject({ cron: '0 4 * * *', triggerName: '/_/nightly' });
  api.requests.length = 0;
  await ward(['trigger', 'update', 'nightly', '-T', 'who', 'Bo', '-a', 'x', '1']);
  expect(asked(api)).toEqual([`GET ${url}`, `PUT ${url}?overwrite=true`]);
  expect(api.requests[1]?.body).toMatchObject({
    parameters: [{ key: 'who', value: 'Bo' }],
    annotations: [
      { key: 'x', value: 1 },
      { key: 'feed', value: '/whisk.system/alarms/alarm' },
    ],
  });
});

test('update creates a missing trigger; a trigger without a feed refuses feed parameters', async () => {
  api.answers.set(`PUT ${url}`, { body: plain });
  expect((await ward(['trigger', 'update', 'nightly', '-p', 'a', '1'])).stderr).toBe(
    'ok: created trigger nightly\n',
  );
  expect(api.requests.at(-1)?.url).toBe(`${url}?overwrite=false`);
  api.answers.set(`GET ${url}`, { body: plain });
  expect((await ward(['trigger', 'update', 'nightly', '-F', 'a', '1'])).code).toBe(2);
});

test('delete removes the feed first, and continues if that fails', async () => {
  api.answers.set(`GET ${url}`, { body: fed });
  api.answers.set(`DELETE ${url}`, { body: fed });
  api.answers.set(`POST ${feedUrl}`, { status: 502, body: failed });
  const { code, stderr } = await ward(['trigger', 'delete', 'nightly']);
  expect(code).toBe(0);
  expect(stderr).toMatch(/^note: the feed .* failed at DELETE .*\nok: deleted trigger nightly\n$/);
  expect(api.requests.map(lifecycle)).toEqual([undefined, 'DELETE', undefined]);
});

test('get shows the rules and the feed’s answer', async () => {
  const rules = { 'guest/greet': { action: { path: 'guest/pack', name: 'hello' }, status: 'active' } };
  api.answers.set(`GET ${url}`, { body: { ...fed, rules } });
  api.answers.set(`POST ${feedUrl}`, {
    body: {
      ...record,
      response: { status: 'success', success: true, result: { config: { cron: '* * * * *' } } },
    },
  });
  const { stdout } = await ward(['trigger', 'get', 'nightly']);
  expect(stdout).toMatch(/\nrules +greet → pack\/hello \(active\)\n/);
  expect(stdout).toMatch(/\nfeed says +\{"config":\{"cron":"\* \* \* \* \*"\}\}\n/);
  expect(lifecycle(api.requests[1])).toBe('READ');
  const json = JSON.parse((await ward(['trigger', 'get', 'nightly', '-o', 'json'])).stdout);
  expect(json).toEqual({ ...fed, rules, feed: { config: { cron: '* * * * *' } } });
  api.requests.length = 0;
  expect(JSON.parse((await ward(['trigger', 'get', 'nightly', 'rules'])).stdout)).toEqual(rules);
  expect(asked(api)).toEqual([`GET ${url}`]);
});

test('an unreadable feed does not hide the trigger', async () => {
  api.answers.set(`GET ${url}`, { body: fed });
  const { code, stdout, stderr } = await ward(['trigger', 'get', 'nightly']);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^name +nightly\n/);
  expect(stderr).toMatch(/^note: /);
});

test('fire prints the activation id; without an active rule it says so', async () => {
  api.answers.set(`POST ${url}`, { status: 202, body: { activationId: id } });
  const { stdout } = await ward(['trigger', 'fire', 'nightly', '-p', 'name', 'Ada']);
  expect(stdout).toBe(`${id}\n`);
  expect(api.requests[0]?.body).toEqual({ name: 'Ada' });
  api.answers.set(`POST ${url}`, { status: 204, text: '' });
  const none = await ward(['trigger', 'fire', 'nightly']);
  expect(none).toMatchObject({ code: 0, stdout: '' });
  expect(none.stderr).toContain('none of its rules is active');
});

test('list shows the feeds', async () => {
  api.answers.set(`GET ${triggersUrl}`, { body: [fed] });
  expect((await ward(['trigger', 'list'])).stdout).toMatch(
    /\nnightly +0\.0\.1 +\/whisk\.system\/alarms\/alarm/,
  );
});
