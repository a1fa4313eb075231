import { describe, expect, test } from 'vitest';
import { completion, hello, startApi, type TestApi } from './api.fixture.ts';

async function startWithRule(annotations: readonly object[] = []): Promise<TestApi> {
  const api = await startApi();
  await api.call('PUT', 'triggers/t', { body: {} });
  await api.call('PUT', 'actions/a', { body: hello });
  await api.call('PUT', 'rules/r', { body: { trigger: '/_/t', action: '/_/a', annotations } });
  return api;
}

describe('/triggers', () => {
  test('create, read, change, list, delete', async () => {
    await using api = await startApi();
    const body = { parameters: [{ key: 'a', value: 1 }], limits: {}, feed: 'ignored' };
    expect(await api.call('PUT', 'triggers/t', { body })).toMatchObject({
      status: 200,
      body: { namespace: 'guest', name: 't', version: '0.0.1', limits: {}, parameters: body.parameters },
    });
    expect(await api.call('PUT', 'triggers/t', { body })).toMatchObject({ status: 409 });
    expect(await api.call('PUT', 'triggers/t?overwrite=true', { body: {} })).toMatchObject({
      body: { version: '0.0.2' },
    });
    expect(await api.call('GET', 'triggers/t')).toMatchObject({ status: 200, body: { rules: {} } });
    expect(await api.call('GET', 'triggers')).toMatchObject({ status: 200, body: [{ name: 't' }] });
    expect(await api.call('GET', 'triggers/?count=true')).toMatchObject({ body: { triggers: 1 } });
    expect(await api.call('DELETE', 'triggers/t')).toMatchObject({ status: 200, body: { name: 't' } });
    expect(await api.call('DELETE', 'triggers/t')).toMatchObject({ status: 404 });
  });

  test('firing answers 202 with an id that has a record', async () => {
    await using api = await startWithRule();
    const fired = await api.call('POST', 'triggers/t', { body: { x: 1 } });
    expect(fired).toMatchObject({
      status: 202,
      body: { activationId: expect.stringMatching(/^[0-9a-f]{32}$/) },
    });
    const { activationId } = JSON.parse(fired.text);
    expect(fired.headers['x-openwhisk-activation-id']).toBe(activationId);
    const record = await api.call('GET', `activations/${activationId}`);
    expect(record).toMatchObject({
      status: 200,
      body: { name: 't', response: { status: 'success', result: { x: 1 } }, logs: [expect.any(String)] },
    });
    expect(record.body).not.toHaveProperty('end');
    expect(record.body).not.toHaveProperty('duration');
    const { logs } = JSON.parse(record.text);
    const [entry] = logs.map((line: string) => JSON.parse(line));
    expect(entry).toMatchObject({ statusCode: 0, success: true, rule: 'guest/r', action: 'guest/a' });
    await expect
      .poll(() => api.call('GET', `activations/${entry.activationId}`))
      .toMatchObject({
        status: 200,
        body: { name: 'a', response: { result: { x: 1 } } },
      });
    expect((await api.call('GET', `activations/${entry.activationId}`)).body).not.toHaveProperty('cause');
    expect(await api.call('GET', 'activations?name=t')).toMatchObject({ body: [{ activationId }] });
  });

  test('firing without an active rule answers 204 with nothing', async () => {
    await using api = await startWithRule();
    await api.call('POST', 'rules/r', { body: { status: 'inactive' } });
    const fired = await api.call('POST', 'triggers/t');
    expect(fired).toMatchObject({ status: 204, text: '' });
    expect(await api.call('GET', 'activations')).toMatchObject({ body: [] });
  });

  test.each([
    [404, 'triggers/none', '{}'],
    [409, 'triggers/a', '{}'],
    [400, 'triggers/t', '[1]'],
    [400, 'triggers/t', '"x"'],
    [400, 'triggers/t', '{'],
    [413, 'triggers/t', JSON.stringify({ x: 'x'.repeat(1_048_576) })],
    [403, '/api/v1/namespaces/other/triggers/t', '{}'],
    [404, '/api/v1/namespaces/_%2Fp/triggers/t', '{}'],
  ])('firing answers %i for %s', async (status, path, raw) => {
    await using api = await startWithRule();
    expect(await api.call('POST', path, { raw })).toMatchObject({
      status,
      body: { error: expect.any(String) },
    });
    expect(api.jobs).toEqual([]);
  });

  test('an action with final parameters refuses them, and only the record says so', async () => {
    await using api = await startWithRule();
    const annotations = [{ key: 'final', value: true }];
    const body = { parameters: [{ key: 'x', value: 1 }], annotations };
    await api.call('PUT', 'actions/a?overwrite=true', { body });
    const fired = await api.call('POST', 'triggers/t', { body: { x: 2 } });
    expect(fired.status).toBe(202);
    const { logs } = JSON.parse(
      (await api.call('GET', `activations/${JSON.parse(fired.text).activationId}`)).text,
    );
    expect(JSON.parse(logs[0])).toMatchObject({
      success: false,
      error: 'Request defines parameters that are not allowed (e.g., reserved properties).',
    });
  });

  test('other methods and paths are refused', async () => {
    await using api = await startWithRule();
    expect(await api.call('POST', 'triggers', { body: {} })).toMatchObject({ status: 405 });
    expect(await api.call('GET', 'triggers/t/x')).toMatchObject({ status: 404 });
    expect(await api.call('GET', '/api/v1/namespaces/other/triggers')).toMatchObject({ status: 403 });
  });
});

describe('/dead-letters', () => {
  const root = '/ward/v1/namespaces/_/dead-letters';
  const retry = [{ key: 'retry', value: { attempts: 1, backoffMs: 100 } }];

  async function startWithLetter() {
    const api = await startWithRule(retry);
    api.script = () => completion({ error: 'it broke' }, { status: 'application error' });
    await api.call('POST', 'triggers/t', { body: { x: 1 } });
    await expect.poll(async () => JSON.parse((await api.call('GET', root)).text).length).toBe(1);
    const [letter] = JSON.parse((await api.call('GET', root)).text);
    return Object.assign(api, { letter });
  }

  test('are listed, counted and filtered', async () => {
    await using api = await startWithLetter();
    expect(api.letter).toMatchObject({
      rule: 'r',
      trigger: 't',
      action: '/guest/a',
      attempts: 1,
      error: 'it broke',
    });
    expect(await api.call('GET', `${root}?count=true`)).toMatchObject({ body: { 'dead-letters': 1 } });
    expect(await api.call('GET', `${root}?rule=other`)).toMatchObject({ status: 200, body: [] });
    expect(await api.call('GET', `${root}?rule=r&limit=1`)).toMatchObject({ body: [{ id: api.letter.id }] });
    expect(await api.call('GET', `${root}?rule=%2F`)).toMatchObject({ status: 400 });
    expect(await api.call('GET', root.replace('_', 'other'))).toMatchObject({ status: 403 });
  });

  test('are replayed, and removed when that succeeds', async () => {
    await using api = await startWithLetter();
    api.script = (job) => completion({ ...job.parameters });
    const replayed = await api.call('POST', `${root}/${api.letter.id}/replay`);
    expect(replayed).toMatchObject({ status: 202, body: { activationId: expect.any(String) } });
    const { activationId } = JSON.parse(replayed.text);
    await expect
      .poll(() => api.call('GET', `activations/${activationId}`))
      .toMatchObject({
        status: 200,
        body: { response: { result: { x: 1 } } },
      });
    await expect.poll(() => api.call('GET', root)).toMatchObject({ body: [] });
    expect(await api.call('POST', `${root}/${api.letter.id}/replay`)).toMatchObject({ status: 404 });
  });

  test('are deleted', async () => {
    await using api = await startWithLetter();
    expect(await api.call('DELETE', `${root}/${api.letter.id}`)).toMatchObject({ status: 204 });
    expect(await api.call('DELETE', `${root}/${api.letter.id}`)).toMatchObject({ status: 404 });
    expect(await api.call('GET', `${root}/${api.letter.id}`)).toMatchObject({ status: 405 });
  });
});

test('/ward/v1/namespaces/{ns}/feeds lists what fires the triggers', async () => {
  await using api = await startApi();
  await api.call('PUT', 'triggers/daily', { body: {} });
  const state = { date: 5, remaining: null, status: { active: true, dateChanged: 1 } };
  const document = { config: { kind: 'alarm', cron: '0 12 * * *' }, payload: 'sealed', state };
  const place = { namespace: 'guest', trigger: 'daily', provider: 'alarms/alarm' };
  await api.store.feeds.put({ ...place, revision: '1', token: null, dueAt: 5, document }, null);
  const feeds = await api.call('GET', '/ward/v1/namespaces/_/feeds');
  expect(feeds).toMatchObject({ status: 200, body: [{ trigger: 'daily', alarm: { cron: '0 12 * * *' } }] });
  expect(await api.call('GET', '/ward/v1/namespaces/_/feeds?count=true')).toMatchObject({
    body: { feeds: 1 },
  });
  expect(await api.call('GET', '/ward/v1/namespaces/other/feeds')).toMatchObject({ status: 403 });
});
