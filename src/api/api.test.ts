import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { basic, hello, startApi, type TestApi } from './api.fixture.ts';

/** For tests that do not depend on each other. */
let api: TestApi;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api[Symbol.asyncDispose]());

describe('without credentials', () => {
  test('ping answers', async () => {
    const { statusCode, payload, headers } = await api.app.inject('/ping');
    expect([statusCode, payload]).toEqual([200, 'pong']);
    expect(headers['content-type']).toMatch(/^text\/plain/);
    expect(headers['x-request-id']).toMatch(/^[0-9a-f]{32}$/);
  });

  test.each(['/ping?ready', '/ping?ready=true'])('%s says whether calls are served', async (url) => {
    const answer = await api.app.inject(url);
    expect(answer.statusCode).toBe(200);
    expect(answer.json()).toEqual({ ready: true, recording: { state: 'ok' }, disk: 'ample' });
    expect((await api.app.inject('/ping?ready=false')).payload).toBe('pong');
  });

  test('the root describes the system', async () => {
    const answer = await api.app.inject('/');
    expect(answer.json()).toEqual({
      description: 'OpenWhisk',
      support: { github: '', slack: '' },
      api_paths: ['/api/v1'],
      limits: {
        actions_per_minute: 60,
        triggers_per_minute: 60,
        concurrent_actions: 30,
        sequence_length: 50,
        default_action_duration: 60_000,
        min_action_duration: 100,
        max_action_duration: 300_000,
        default_action_memory: 268_435_456,
        min_action_memory: 134_217_728,
        max_action_memory: 536_870_912,
        default_action_logs: 10_485_760,
        min_action_logs: 0,
        max_action_logs: 10_485_760,
        max_action_result: 1_048_576,
      },
      runtimes: {
        nodejs: [
          expect.objectContaining({ kind: 'nodejs:24', default: true, deprecated: false }),
          expect.anything(),
        ],
        python: [expect.objectContaining({ kind: 'python:3.13', default: true })],
      },
    });
  });

  test.each(['/api/v1', '/api/v1/', '/api/v1?'])('%s says which version it is', async (url) => {
    expect((await api.app.inject(url)).json()).toEqual({
      description: 'OpenWhisk API',
      api_version: '1.0.0',
      api_version_path: 'v1',
      build: '2026-01-01',
      buildno: '1.2.3',
      swagger_paths: { ui: '/docs', 'api-docs': '/api-docs' },
    });
  });

  test.each(['/api/v1', '/api/v1/namespaces', '/api/v1/namespaces/_/actions/x'])(
    'OPTIONS %s answers what a browser needs',
    async (url) => {
      const { statusCode, headers } = await api.app.inject({ method: 'OPTIONS', url });
      expect(statusCode).toBe(200);
      expect(headers).toMatchObject({
        'access-control-allow-origin': '*',
        'access-control-allow-headers':
          'Authorization, Origin, X-Requested-With, Content-Type, Accept, User-Agent',
        'access-control-allow-methods': 'GET, DELETE, POST, PUT, HEAD',
      });
    },
  );

  test.each([
    ['GET', '/api/v1/namespaces'],
    ['GET', '/api/v1/namespaces/_/limits'],
    ['GET', '/api/v1/namespaces/_/actions'],
    ['PUT', '/api/v1/namespaces/_/actions/a'],
    ['POST', '/api/v1/namespaces/_/actions/a'],
    ['DELETE', '/api/v1/namespaces/_/actions/a'],
    ['GET', '/api/v1/namespaces/_/activations'],
    ['GET', '/api/v1/no/such/path'],
    ['PATCH', '/api/v1/namespaces'],
  ] as const)('%s %s is refused', async (method, url) => {
    const { statusCode, headers, payload } = await api.app.inject({ method, url });
    expect(statusCode).toBe(401);
    expect(headers['www-authenticate']).toBe('Basic realm="OpenWhisk secure realm"');
    expect(headers['access-control-allow-origin']).toBe('*');
    expect(JSON.parse(payload)).toEqual({
      error: 'The resource requires authentication, which was not supplied with the request',
      code: headers['x-request-id'],
    });
  });

  test('wrong ones are refused, too', async () => {
    const authorization = basic(`${crypto.randomUUID()}:${'x'.repeat(64)}`);
    const answer = await api.call('GET', '/api/v1/namespaces', { headers: { authorization } });
    expect(answer.status).toBe(401);
    expect(answer.body).toMatchObject({ error: 'The supplied authentication is invalid' });
    expect(answer.headers['www-authenticate']).toBe('Basic realm="OpenWhisk secure realm"');
  });
});

describe('namespaces', () => {
  test.each(['/api/v1/namespaces', '/api/v1/namespaces/', '/api/v1/namespaces?'])('%s', async (url) => {
    expect((await api.call('GET', url)).body).toEqual(['guest']);
  });

  test.each(['limits', 'limits/', '/api/v1/namespaces/guest/limits'])('%s', async (url) => {
    await api.functions.namespaces.setLimits('guest', { invocationsPerMinute: 7 });
    expect((await api.call('GET', url)).body).toEqual({
      invocationsPerMinute: 7,
      concurrentInvocations: 30,
      firesPerMinute: 60,
      maxParameterSize: '1 MB',
      minActionMemory: 128,
      maxActionMemory: 512,
      minActionTimeout: 100,
      maxActionTimeout: 300_000,
      minActionLogs: 0,
      maxActionLogs: 10,
      minActionConcurrency: 1,
      maxActionConcurrency: 500,
      maxActionInstances: 30,
      codeQuotaBytes: 1024 ** 3,
      recordQuotaBytes: 4 * 1024 ** 3,
      registryQuotaBytes: 20 * 1024 ** 3,
    });
  });

  test.each([
    ['GET', '/api/v1/namespaces/guest', 404],
    ['PUT', '/api/v1/namespaces/guest', 404],
    ['GET', 'limits/x', 400],
    ['GET', '/api/v1/namespaces/other/limits', 403],
    ['GET', '/api/v1/namespaces/other/actions', 403],
    ['GET', '/api/v1/namespaces/other/actions/a', 403],
    ['PUT', '/api/v1/namespaces/other/actions/a', 403],
    ['POST', '/api/v1/namespaces/other/actions/a', 403],
    ['DELETE', '/api/v1/namespaces/other/actions/a', 403],
    ['GET', '/api/v1/namespaces/other/activations', 403],
    ['GET', `/api/v1/namespaces/other/activations/${'0'.repeat(32)}`, 403],
  ] as const)('%s %s: %i', async (method, url, status) => {
    const answer = await api.call(method, url, method === 'PUT' ? { body: hello } : {});
    expect(answer.status).toBe(status);
    if (status === 403) {
      const what = url.endsWith('/a') ? 'other/a' : 'other';
      expect(answer.body).toEqual({
        error: `The supplied authentication is not authorized to access '${what}'.`,
        code: answer.headers['x-request-id'],
      });
    }
  });
});

describe('methods', () => {
  test.each([
    ['/ping', 'POST', 'GET'],
    ['/', 'PUT', 'GET'],
    ['/api/v1', 'DELETE', 'GET'],
    ['/api/v1/namespaces', 'PUT', 'GET'],
    ['/api/v1/namespaces', 'HEAD', 'GET'],
    ['/api/v1/namespaces/_/limits', 'PUT', 'GET'],
    ['/api/v1/namespaces/_/limits', 'POST', 'GET'],
    ['/api/v1/namespaces/_/limits', 'DELETE', 'GET'],
    ['/api/v1/namespaces/_/actions', 'POST', 'GET'],
    ['/api/v1/namespaces/_/actions', 'PUT', 'GET'],
    ['/api/v1/namespaces/_/actions/a', 'PATCH', 'GET, PUT, POST, DELETE'],
    ['/api/v1/namespaces/_/actions/a', 'HEAD', 'GET, PUT, POST, DELETE'],
    ['/api/v1/namespaces/_/activations', 'PUT', 'GET'],
    ['/api/v1/namespaces/_/activations', 'POST', 'GET'],
    ['/api/v1/namespaces/_/activations', 'DELETE', 'GET'],
    [`/api/v1/namespaces/_/activations/${'0'.repeat(32)}`, 'DELETE', 'GET'],
  ] as const)('%s does not accept %s', async (url, method, allow) => {
    const headers = { authorization: basic(api.key) };
    const answer = await api.app.inject({ method, url, headers });
    expect(answer.statusCode).toBe(405);
    expect(answer.headers.allow).toBe(allow);
    if (method === 'HEAD') return;
    expect(answer.json()).toEqual({
      error: `HTTP method not allowed, supported methods: ${allow}`,
      code: answer.headers['x-request-id'],
    });
  });
});

describe('requests', () => {
  test.each([
    '/no',
    '/api',
    '/api/v2',
    '/api/v1/no',
    '/api/v1/namespaces/_/no',
    '/api/v1/namespaces/_/actions/a/b/c',
  ])('for %s get 404', async (url) => {
    const answer = await api.call('GET', url);
    expect(answer.status).toBe(404);
    expect(answer.body).toEqual({
      error: 'The requested resource does not exist.',
      code: answer.headers['x-request-id'],
    });
  });

  test.each([
    ['my-id.1', 'my-id.1'],
    ['sid_invoker', undefined],
    ['has blank', undefined],
    ['x'.repeat(129), undefined],
  ])('with the transaction id %s', async (sent, kept) => {
    const answer = await api.call('GET', '/api/v1/namespaces', { headers: { 'x-request-id': sent } });
    expect(answer.headers['x-request-id']).toEqual(kept ?? expect.stringMatching(/^[0-9a-f]{32}$/));
  });

  test.each([
    ['text/html', 406],
    ['text/plain, image/*', 406],
    ['application/json', 200],
    ['application/json; charset=utf-8', 200],
    ['text/html, application/*;q=0.5', 200],
    ['text/html,*/*;q=0.8', 200],
    ['', 200],
  ])('that accept %j: %i', async (accept, status) => {
    const answer = await api.call('GET', '/api/v1/namespaces', { headers: { accept } });
    expect(answer.status).toBe(status);
    if (status === 406) {
      expect(answer.body).toMatchObject({
        error: 'Resource representation is only available with these types:\napplication/json',
      });
    }
  });

  test('with too long a URL', async () => {
    const answer = await api.call('GET', `/api/v1/namespaces?x=${'y'.repeat(8200)}`);
    expect([answer.status, answer.body]).toEqual([
      414,
      expect.objectContaining({ error: expect.any(String) }),
    ]);
  });

  test('with an invalid URL', async () => {
    const answer = await api.call('GET', '/api/v1/namespaces/%zz/actions');
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({ error: expect.any(String), code: expect.any(String) });
  });

  test('that fail internally reveal no internal details', async () => {
    api.script = () => {
      throw new Error('secret path /var/lib');
    };
    await api.call('PUT', 'actions/a', { body: hello });
    const answer = await api.call('POST', 'actions/a?blocking=true');
    expect([answer.status, answer.body]).toEqual([
      500,
      { error: 'There was an internal server error.', code: answer.headers['x-request-id'] },
    ]);
  });
});
