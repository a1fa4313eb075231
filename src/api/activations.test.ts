import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isJsonObject } from '../lib/index.ts';
import { basic, completion, hello, startApi, type TestApi } from './api.fixture.ts';

/** For tests that change nothing. */
let shared: TestApi;
beforeAll(async () => {
  shared = await withActivations();
});
afterAll(() => shared[Symbol.asyncDispose]());

/** Three activations of `a`, of which the second fails. */
async function withActivations(): Promise<TestApi> {
  const api = await startApi();
  let runs = 0;
  api.script = () => {
    const start = 1000 + 10 * runs++;
    return completion(start === 1010 ? { error: 'x' } : { start }, {
      status: start === 1010 ? 'application error' : 'success',
      startedAt: start,
      endedAt: start + 5,
      logs: Promise.resolve([`2026-01-01T10:00:00.123456789Z stdout: ${start}`]),
    });
  };
  await api.call('PUT', 'actions/a', { body: hello });
  for (let i = 0; i < 3; i++) await api.call('POST', 'actions/a?blocking=true');
  return api;
}

const starts = (body: unknown) => (Array.isArray(body) ? body.map(({ start }) => start) : body);

describe('the list', () => {
  test('has summaries', async () => {
    await using api = await withActivations();
    const { body } = await api.call('GET', 'activations?limit=2&skip=1');
    expect(body).toEqual([
      {
        activationId: expect.stringMatching(/^[0-9a-f]{32}$/),
        namespace: 'guest',
        name: 'a',
        version: '0.0.1',
        publish: false,
        annotations: expect.arrayContaining([{ key: 'kind', value: 'nodejs:24' }]),
        start: 1010,
        end: 1015,
        duration: 5,
        statusCode: 1,
      },
      expect.objectContaining({ start: 1000, statusCode: 0 }),
    ]);
  });

  test('has records with docs', async () => {
    await using api = await withActivations();
    expect((await api.call('GET', 'activations?docs=true&limit=1')).body).toMatchObject([
      { start: 1020, response: { result: { start: 1020 } }, logs: [expect.stringContaining('stdout: 1020')] },
    ]);
  });

  test('of records is sent piece by piece, since it may be longer than any string', async () => {
    const headers = { authorization: basic(shared.key) };
    const url = '/api/v1/namespaces/_/activations?docs=true';
    const answer = await shared.app.inject({ method: 'GET', url, headers });
    expect(answer.headers['content-length']).toBeUndefined();
    expect(answer.json()).toHaveLength(3);
  });

  test('of records without any is empty', async () => {
    expect((await shared.call('GET', 'activations?docs=true&name=b')).body).toEqual([]);
  });

  test.each<[string, unknown]>([
    ['', [1020, 1010, 1000]],
    ['?name=a', [1020, 1010, 1000]],
    ['?name=', [1020, 1010, 1000]],
    ['?name=b', []],
    ['?name=p/a', []],
    ['?since=1010', [1020, 1010]],
    ['?upto=1010', [1010, 1000]],
    ['?since=1005&upto=1015', [1010]],
    ['?count=true', { activations: 3 }],
    ['?count=true&skip=1&since=1010', { activations: 1 }],
    ['/?limit=1', [1020]],
  ])('%s has %j', async (query, expected) => {
    expect(starts((await shared.call('GET', `activations${query}`)).body)).toEqual(expected);
  });

  test.each([
    ['docs=true&count=true', "The parameter 'docs' is not permitted with 'count'."],
    ['name=a/b/c', "Parameter may be a 'simple' name or 'package-name/simple' name: a/b/c"],
    ['name=$', "Parameter may be a 'simple' name or 'package-name/simple' name: $"],
    ['since=x', 'Parameter is not a valid value for epoch seconds: x'],
    ['upto=1.5', 'Parameter is not a valid value for epoch seconds: 1.5'],
    ['limit=201', "The value '201' is not in the range of 0 to 200 for activations."],
  ])('with %s is refused', async (query, error) => {
    const answer = await shared.call('GET', `activations?${query}`);
    expect([answer.status, answer.body]).toEqual([400, { error, code: answer.headers['x-request-id'] }]);
  });
});

describe('one', () => {
  test('has a record, a result and logs', async () => {
    await using api = await withActivations();
    const { body } = await api.call('GET', 'activations?limit=1');
    const id = Array.isArray(body) ? body[0].activationId : '';
    const response = { status: 'success', success: true, result: { start: 1020 }, size: 14 };
    const logs = ['2026-01-01T10:00:00.123456789Z stdout: 1020'];
    const record = (await api.call('GET', `activations/${id}`)).body;
    expect(record).toMatchObject({ activationId: id, subject: 'guest', response, logs });
    expect((await api.call('GET', `activations/${id}/`)).body).toEqual(record);
    expect((await api.call('GET', `activations/${id}/result`)).body).toEqual(response);
    expect((await api.call('GET', `activations/${id}/logs`)).body).toEqual({ logs });
  });

  test('that has not ended is not found; the error says what is known, and pending=true answers that', async () => {
    await using api = await startApi();
    const gate = Promise.withResolvers<void>();
    api.script = async () => {
      await gate.promise;
      return completion({ x: 1 });
    };
    await api.call('PUT', 'actions/a', { body: hello });
    const { body } = await api.call('POST', 'actions/a');
    const id = isJsonObject(body) ? String(body['activationId']) : '';
    const response = { status: 'pending', success: false, result: {} };
    const pending = { activationId: id, namespace: 'guest', name: 'a', response, logs: [] };
    const error = 'The requested resource does not exist.';
    for (const part of ['', '/', '/result', '/logs']) {
      const answer = await api.call('GET', `activations/${id}${part}`);
      expect([answer.status, answer.headers['x-ward-fault']]).toEqual([404, 'ACTIVATION_PENDING']);
      expect(answer.body).toMatchObject({ error, code: answer.headers['x-request-id'], pending });
    }
    const known = async (part: string) =>
      (await api.call('GET', `activations/${id}${part}?pending=true`)).body;
    expect(await known('')).toMatchObject(pending);
    expect(await known('')).not.toHaveProperty('end');
    expect(await known('/result')).toEqual(response);
    expect(await known('/logs')).toEqual({ logs: [] });
    expect((await api.call('GET', `activations/${id}?pending=perhaps`)).status).toBe(400);
    expect((await api.call('GET', 'activations')).body).toEqual([]);
    gate.resolve();
    await expect
      .poll(async () => (await api.call('GET', `activations/${id}/result`)).body)
      .toMatchObject({
        success: true,
        result: { x: 1 },
      });
    expect(await known('/result')).toMatchObject({ success: true });
  });

  test.each([
    ['abc', 400, 'Activation id length is 3 but must be 32.'],
    ['z'.repeat(32), 400, 'The activation id is not valid.'],
    ['0'.repeat(32), 404, 'The requested resource does not exist.'],
    [`${'0'.repeat(32)}/result`, 404, 'The requested resource does not exist.'],
    [`${'0'.repeat(32)}/logs`, 404, 'The requested resource does not exist.'],
    [`${'0'.repeat(32)}/other`, 404, 'The requested resource does not exist.'],
  ])('%s: %i', async (path, status, error) => {
    const answer = await shared.call('GET', `activations/${path}`);
    expect([answer.status, answer.body]).toEqual([status, { error, code: answer.headers['x-request-id'] }]);
  });
});

test('the stream of a run that ends before its log was found has all of it at the end', async () => {
  await using api = await startApi();
  const ended = Promise.withResolvers<ReturnType<typeof completion>>();
  api.script = () => ended.promise;
  await api.call('PUT', 'actions/a', { body: hello });
  const { activationId } = (await api.call('POST', 'actions/a')).body as { activationId: string };
  const url = await api.app.listen({ host: '127.0.0.1', port: 0 });
  // Its head has come: the run is followed, and has no log yet.
  const stream = await fetch(`${url}/api/v1/namespaces/_/activations/${activationId}/stream`, {
    headers: { authorization: basic(api.key) },
  });
  const lines = ['2026-01-01T10:00:00.123456789Z stdout: one', '2026-01-01T10:00:00.123456790Z stdout: two'];
  ended.resolve(completion({ done: true }, { logs: Promise.resolve(lines) }));
  const [first, second, end] = (await stream.text()).trim().split('\n\n');
  expect([first, second]).toEqual(lines.map((line) => `event: log\ndata: ${JSON.stringify(line)}`));
  const record = JSON.parse(end?.replace('event: end\ndata: ', '') ?? '');
  expect(record).toMatchObject({ activationId, response: { result: { done: true } } });
  expect(record.logs).toBeUndefined();
});
