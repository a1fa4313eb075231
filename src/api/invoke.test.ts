import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CompletionStatus, invokerBusy, invokerClosed } from '../dispatch/index.ts';
import { Fault } from '../lib/index.ts';
import {
  completion,
  type EndedJob,
  hello,
  startApi,
  type TestApi,
  type TestApiOptions,
} from './api.fixture.ts';

const soon = { retryAfterMs: 1000, hint: 'have the operator add a node' };
const allBusy = new Fault('INVOKERS_BUSY', 'overloaded', 'System is overloaded, try again later.', soon);
const unheard = new Fault('INVOKERS_UNREACHABLE', 'busy', 'no invoker is heard', soon);

async function withHello(options: TestApiOptions = {}, body: object = {}): Promise<TestApi> {
  const api = await startApi(options);
  await api.call('PUT', 'actions/hello', { body: { ...hello, ...body } });
  return api;
}

describe('a blocking call', () => {
  test('answers the record', async () => {
    await using api = await withHello();
    const answer = await api.call('POST', 'actions/hello?blocking=true&result=false', { body: { a: 1 } });
    const id = answer.headers['x-openwhisk-activation-id'];
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toMatch(/^application\/json/);
    expect(answer.body).toMatchObject({
      activationId: id,
      namespace: 'guest',
      name: 'hello',
      response: { status: 'success', success: true, result: { a: 1 }, size: 7 },
      logs: [],
    });
    expect((await api.call('GET', `activations/${id}`)).body).toEqual(answer.body);
  });

  test.each<[CompletionStatus, number]>([
    ['success', 200],
    ['application error', 502],
    ['action developer error', 502],
    ['whisk internal error', 500],
  ])('that ends in %s: %i', async (status, code) => {
    await using api = await withHello();
    api.script = () => completion({ error: 'x' }, { status });
    const full = await api.call('POST', 'actions/hello?blocking=true');
    expect(full.status).toBe(code);
    expect(full.body).toMatchObject({ response: { status, success: code === 200, result: { error: 'x' } } });
    const bare = await api.call('POST', 'actions/hello?blocking=true&result=true');
    expect([bare.status, bare.body]).toEqual([code, { error: 'x' }]);
    expect(bare.headers['x-openwhisk-activation-id']).toMatch(/^[0-9a-f]{32}$/);
  });

  test('answers an array unchanged', async () => {
    await using api = await withHello();
    api.script = () => completion([1, { a: 2 }]);
    const answer = await api.call('POST', 'actions/hello?blocking=true');
    expect([answer.status, answer.body]).toEqual([200, [1, { a: 2 }]]);
  });

  test.each([
    ['no body', {}],
    ['an empty object', { body: {} }],
    ['an empty body', { raw: '' }],
  ])('may have %s', async (_name, options) => {
    await using api = await withHello();
    const answer = await api.call('POST', 'actions/hello?blocking=true&result=true', options);
    expect([answer.status, answer.body]).toEqual([200, {}]);
  });

  test('answers 202 when its wait is over', async () => {
    await using api = await withHello();
    const end = Promise.withResolvers<EndedJob>();
    api.script = () => end.promise;
    const answer = await api.call('POST', 'actions/hello?blocking=true&timeout=1');
    const activationId = answer.headers['x-openwhisk-activation-id'];
    expect([answer.status, answer.body]).toEqual([202, { activationId }]);
    end.resolve(completion({ late: true }));
    await expect.poll(async () => (await api.call('GET', `activations/${activationId}`)).status).toBe(200);
  });

  test('passes on the transaction id and the key’s namespace', async () => {
    await using api = await withHello();
    await api.call('POST', 'actions/hello?blocking=true', { headers: { 'x-request-id': 'abc' } });
    expect(api.jobs).toMatchObject([{ transactionId: 'abc', namespace: 'guest', action: '/guest/hello' }]);
  });
});

test('a non-blocking call answers 202 and runs', async () => {
  await using api = await withHello();
  const answer = await api.call('POST', 'actions/hello?result=true', { body: { a: 1 } });
  const activationId = answer.headers['x-openwhisk-activation-id'];
  expect([answer.status, answer.body]).toEqual([202, { activationId }]);
  await expect
    .poll(async () => (await api.call('GET', `activations/${activationId}/result`)).body)
    .toMatchObject({ result: { a: 1 } });
});

describe('a call is refused', () => {
  let shared: TestApi;
  beforeAll(async () => {
    const parameters = [{ key: 'fixed', value: 1 }];
    shared = await withHello({}, { parameters, annotations: [{ key: 'final', value: true }] });
  });
  afterAll(() => shared[Symbol.asyncDispose]());

  const malformed = 'The request content was malformed:\n';
  test.each<[string, number, object, string]>([
    ['', 400, { body: [] }, `${malformed}the payload must be a JSON object`],
    ['', 400, { body: 'x' }, `${malformed}the payload must be a JSON object`],
    ['', 400, { raw: 'null' }, `${malformed}the payload must be a JSON object`],
    ['', 400, { raw: '{"a":1' }, malformed],
    ['', 400, { raw: '['.repeat(100_000) }, `${malformed}it nests deeper than 500 levels`],
    [
      '',
      400,
      { raw: `{"a":${'['.repeat(501)}${']'.repeat(501)}}` },
      `${malformed}it nests deeper than 500 levels`,
    ],
    ['', 415, { raw: 'a=1', headers: { 'content-type': 'text/plain' } }, "The request's Content-Type is not"],
    [
      '?blocking=x',
      400,
      {},
      "The query parameter 'blocking' was malformed:\n'x' is not a valid Boolean value",
    ],
    ['?result=x', 400, {}, "The query parameter 'result' was malformed:\n'x' is not a valid Boolean value"],
    ['?blocking=true&timeout=0', 400, {}, 'Timeout must be number of milliseconds up to 60000.'],
    ['?blocking=true&timeout=60001', 400, {}, 'Timeout must be number of milliseconds up to 60000.'],
    ['?blocking=true&timeout=x', 400, {}, 'Timeout must be number of milliseconds up to 60000.'],
    [
      '',
      413,
      { body: { a: 'x'.repeat(1024 * 1024) } },
      'Request larger than allowed: 1048584 > 1048576 bytes.',
    ],
    [
      '',
      400,
      { body: { fixed: 2 } },
      'Request defines parameters that are not allowed (e.g., reserved properties).',
    ],
  ])('%s %i', async (query, status, options, error) => {
    const answer = await shared.call('POST', `actions/hello${query}`, options);
    expect(answer.status).toBe(status);
    expect(answer.body).toEqual({
      error: expect.stringContaining(error),
      code: answer.headers['x-request-id'],
    });
    expect(shared.jobs).toEqual([]);
  });

  test('when the action does not exist', async () => {
    await using api = await startApi();
    for (const path of ['actions/no', 'actions/no/no']) {
      expect((await api.call('POST', path)).status).toBe(404);
    }
  });

  test('when the namespace has too many calls under way', async () => {
    await using api = await withHello();
    await api.functions.namespaces.setLimits('guest', { concurrentInvocations: 0 });
    const answer = await api.call('POST', 'actions/hello?blocking=true');
    expect([answer.status, answer.body]).toEqual([
      429,
      {
        error: 'Too many concurrent requests in flight (count: 0, allowed: 0).',
        code: answer.headers['x-request-id'],
      },
    ]);
  });

  test.each([
    ['too many calls wait', invokerBusy(12_500), 'INVOKER_BUSY', '13'],
    ['all invokers are busy', allBusy, 'INVOKERS_BUSY', '1'],
  ])(
    'when %s, like OpenWhisk, with a code of Ward’s own and when to come again',
    async (_, fault, code, seconds) => {
      await using api = await withHello();
      api.script = () => Promise.reject(fault);
      const { status, headers, body } = await api.call('POST', 'actions/hello?blocking=true');
      expect([status, headers['x-ward-fault'], headers['retry-after']]).toEqual([429, code, seconds]);
      expect(body).toEqual({
        error: 'System is overloaded, try again later.',
        code: headers['x-request-id'],
        hint: expect.stringMatching(/operator/),
      });
    },
  );

  test.each([
    ['no invoker is heard', unheard, 'INVOKERS_UNREACHABLE'],
    ['the only invoker stops', invokerClosed(), 'INVOKER_CLOSED'],
  ])('when %s, as another node may answer', async (_, fault, code) => {
    await using api = await withHello();
    api.script = () => Promise.reject(fault);
    const { status, headers } = await api.call('POST', 'actions/hello?blocking=true');
    expect([status, headers['x-ward-fault'], headers['retry-after']]).toEqual([503, code, '1']);
  });

  test.each([
    ['EROFS', 503, 'STORE_UNWRITABLE'],
    ['EMFILE', 503, 'MACHINE_EXHAUSTED'],
    ['ENOSPC', 507, 'STORE_FULL'],
  ])('while the machine is in trouble: %s', async (errno, status, code) => {
    await using api = await withHello();
    api.script = () => {
      throw Object.assign(new Error('no'), { code: errno });
    };
    const answer = await api.call('POST', 'actions/hello?blocking=true');
    const { 'x-ward-fault': fault, 'retry-after': seconds } = answer.headers;
    expect([answer.status, fault, Number(seconds) > 0]).toEqual([status, code, true]);
  });

  test('when the platform shuts down', async () => {
    await using api = await withHello();
    await api.functions.close(0);
    const refused = await api.call('POST', 'actions/hello?blocking=true');
    expect([refused.status, Number(refused.headers['retry-after']) > 0]).toEqual([503, true]);
    // No one waits for this one, so the next start runs it.
    expect((await api.call('POST', 'actions/hello')).status).toBe(202);
  });

  test('when the platform has closed its database, at the very end of its stop', async () => {
    await using api = await withHello();
    await api.functions.close(0);
    await api.store.close();
    for (const path of ['actions/hello', 'actions/hello/missing']) {
      const { status, headers, body } = await api.call('GET', path);
      expect([status, headers['x-ward-fault'], headers['retry-after']]).toEqual([503, 'STORE_CLOSED', '5']);
      expect(body).toMatchObject({
        error: 'Ward is being stopped, and has closed its database',
        hint: 'try again when it runs',
      });
    }
  });
});

test('a payload may contain any key', async () => {
  await using api = await withHello({}, { parameters: [{ key: 'a', value: 1 }] });
  const raw = '{"__proto__":{"polluted":true},"constructor":1,"hasOwnProperty":2}';
  const answer = await api.call('POST', 'actions/hello?blocking=true&result=true', { raw });
  expect(answer.text).toBe('{"a":1,"__proto__":{"polluted":true},"constructor":1,"hasOwnProperty":2}');
  expect(Reflect.get({}, 'polluted')).toBeUndefined();
});
