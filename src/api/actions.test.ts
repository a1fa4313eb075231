import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { basic, hello, startApi, type TestApi } from './api.fixture.ts';

/** For tests that change nothing. */
let shared: TestApi;
beforeAll(async () => {
  shared = await startApi();
});
afterAll(() => shared[Symbol.asyncDispose]());

/** An empty archive, in base64. */
const emptyZip = `UEsFBg${'A'.repeat(24)}==`;

const described = {
  namespace: 'guest',
  name: 'a',
  version: '0.0.1',
  publish: false,
  annotations: [
    { key: 'provide-api-key', value: false },
    { key: 'exec', value: 'nodejs:24' },
  ],
  parameters: [],
  limits: { timeout: 60_000, memory: 256, logs: 10, concurrency: 1 },
  updated: expect.any(Number),
  exec: { kind: 'nodejs:24', binary: false, code: hello.exec.code },
};

test('an image without code shows none', async () => {
  await using api = await startApi();
  const put = await api.call('PUT', 'actions/i', { body: { exec: { kind: 'blackbox', image: 'app' } } });
  expect(put.body).toMatchObject({ exec: { kind: 'blackbox', image: 'app' } });
  for (const { text } of [put, await api.call('GET', 'actions/i')]) expect(text).not.toContain('"code"');
});

describe('PUT', () => {
  test('creates, conflicts, changes', async () => {
    await using api = await startApi();
    const created = await api.call('PUT', 'actions/a', { body: hello });
    expect([created.status, created.body]).toEqual([200, described]);
    expect(created.headers['content-type']).toMatch(/^application\/json/);
    for (const query of ['', '?overwrite=false', '?overwrite=no']) {
      const conflict = await api.call('PUT', `actions/a${query}`, { body: hello });
      expect([conflict.status, conflict.body]).toEqual([
        409,
        { error: 'resource already exists', code: conflict.headers['x-request-id'] },
      ]);
    }
    const changed = await api.call('PUT', 'actions/a?overwrite=true', {
      body: { annotations: [{ key: 'web-export', value: true }], version: '1.0.0' },
    });
    expect(changed.body).toEqual({
      ...described,
      version: '1.0.0',
      annotations: [...described.annotations, { key: 'web-export', value: true }],
    });
  });

  test('keeps the numbers it is sent', async () => {
    await using api = await startApi();
    const annotations = [{ key: 'require-whisk-auth', value: 9007199254740991 }];
    await api.call('PUT', 'actions/a', { body: { ...hello, annotations } });
    expect((await api.call('GET', 'actions/a')).text).toContain('"value":9007199254740991');
  });

  test.each([
    ['actions/a%20b', 'a b'],
    ['actions/a@b.c-d', 'a@b.c-d'],
    ['actions/a%26b', 'a&b'],
    ['/api/v1/namespaces/guest/actions/a', 'a'],
    ['actions/a?', 'a'],
  ])('%s creates %j', async (path, name) => {
    await using api = await startApi();
    expect((await api.call('PUT', path, { body: hello })).body).toMatchObject({ name, namespace: 'guest' });
  });

  test.each<[string, number, object, string]>([
    ['actions/x', 400, { body: {} }, 'exec undefined'],
    ['actions/x', 400, {}, 'Request entity expected but not supplied'],
    ['actions/x', 400, { body: [] }, 'The request content was malformed:\nObject expected'],
    ['actions/x', 400, { raw: '{"exec":' }, 'The request content was malformed:\n'],
    [
      'actions/x',
      415,
      { raw: 'exec=1', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
      "The request's Content-Type is not supported. Expected:\napplication/json",
    ],
    [
      'actions/x',
      415,
      { raw: '{}', headers: { 'content-type': 'text/plain' } },
      "The request's Content-Type is not supported. Expected:\napplication/json",
    ],
    [
      'actions/x?overwrite=maybe',
      400,
      { body: hello },
      "The query parameter 'overwrite' was malformed:\n'maybe' is not a valid Boolean value",
    ],
    [
      'actions/x',
      400,
      { body: { exec: { kind: 'cobol:85', code: '' } } },
      "The specified runtime 'cobol:85' is not supported by this platform. Valid values are: 'nodejs:24'",
    ],
    [
      'actions/x',
      400,
      { body: { exec: { kind: 'nodejs:24', code: 'UEsDBAAAAAA=' } } },
      "The action's zip archive is refused: ",
    ],
    ['actions/%20x', 400, { body: hello }, 'The name of the entity contains illegal characters.'],
    ['actions/x%00', 400, { body: hello }, 'The name of the entity contains illegal characters.'],
    ['actions/%C3%A4', 400, { body: hello }, 'The name of the entity contains illegal characters.'],
    [`actions/${'x'.repeat(257)}`, 400, { body: hello }, 'Name segement longer than allowed: 257 > 256.'],
    [`actions/p/${'x'.repeat(257)}`, 400, { body: hello }, 'Name segement longer than allowed: 257 > 256.'],
    [
      `/api/v1/namespaces/${'x'.repeat(257)}/actions/a`,
      400,
      { body: hello },
      'Namespace longer than allowed: 257 > 256.',
    ],
    ['/api/v1/namespaces/$/actions/a', 400, { body: hello }, 'The namespace contains illegal characters.'],
    ['actions/pkg/x', 404, { body: hello }, 'The requested resource does not exist.'],
    ['actions/pkg/x', 404, { body: { exec: { kind: 'none' } } }, 'The requested resource does not exist.'],
    [
      '/api/v1/namespaces/guest%2Fpkg/actions/x',
      404,
      { body: hello },
      'The requested resource does not exist.',
    ],
    [
      'actions/x',
      413,
      { body: { ...hello, parameters: [{ key: 'a', value: 'x'.repeat(1024 * 1024) }] } },
      'parameters larger than allowed: 1048579 > 1048576 bytes.',
    ],
  ])('%s: %i', async (path, status, options, error) => {
    const answer = await shared.call('PUT', path, options);
    expect(answer.status).toBe(status);
    expect(answer.body).toEqual({
      error: expect.stringContaining(error),
      code: answer.headers['x-request-id'],
    });
  });

  test('of code over the limit', async () => {
    await using api = await startApi({ limits: { codeBytes: 1000 } });
    const body = { exec: { kind: 'nodejs:24', code: 'x'.repeat(1001) } };
    const answer = await api.call('PUT', 'actions/a', { body });
    expect([answer.status, answer.body]).toEqual([
      413,
      expect.objectContaining({ error: 'exec larger than allowed: 1001 > 1000 bytes.' }),
    ]);
  });

  test('of code beyond the quota reports the use, and every write reports what is left', async () => {
    await using api = await startApi({ limits: { codeQuotaBytes: 20_000 } });
    const put = (name: string, length: number) =>
      api.call('PUT', `actions/${name}`, {
        body: { exec: { kind: 'nodejs:24', code: `// ${'x'.repeat(length)}` } },
      });
    const usage = async () => (await api.call('GET', '/ward/v1/namespaces/_/usage')).body;
    const before = await put('a', 9000);
    const { used } = JSON.parse(JSON.stringify(await usage())).code;
    expect([before.status, used]).toEqual([200, expect.any(Number)]);
    expect(before.headers).toMatchObject({
      'ratelimit-policy': '"code";q=20000;qu="content-bytes"',
      ratelimit: `"code";r=${20_000 - used}`,
    });
    const refused = await put('b', 12_000);
    expect([refused.status, refused.body, refused.headers]).toEqual([
      413,
      {
        error: expect.stringMatching(/^The namespace 'guest' has .* but its quota is 19\.5 KiB\.$/),
        code: expect.any(String),
        hint: expect.stringContaining('Delete what is not needed'),
        ...{ quota: 'code', used, limit: 20_000 },
      },
      expect.objectContaining({ 'x-ward-fault': 'QUOTA_EXCEEDED', ratelimit: before.headers['ratelimit'] }),
    ]);
    const gone = await api.call('DELETE', 'actions/a');
    expect(gone.headers['ratelimit']).toBe('"code";r=20000');
    expect(await usage()).toMatchObject({ code: { used: 0, limit: 20_000 }, records: { used: 0, count: 0 } });
    expect((await api.call('GET', '/ward/v1/namespaces/other/usage')).status).toBe(403);
  });

  test('of a body over the limit is refused unread', async () => {
    await using api = await startApi({ limits: { codeBytes: 1000 } });
    const raw = `{"exec":"${'x'.repeat(5 * 1024 * 1024)}"}`;
    const limit = Math.ceil(4000 / 3) + 4 * 1024 * 1024;
    const answer = await api.call('PUT', 'actions/a', { raw });
    expect([answer.status, answer.body]).toEqual([
      413,
      expect.objectContaining({ error: `Request larger than allowed: ${raw.length} > ${limit} bytes.` }),
    ]);
  });
});

describe('GET', () => {
  test.each([
    ['actions/a', true],
    ['actions/a?code=true', true],
    ['actions/a?code=false', false],
    ['actions/a?code=0&unknown=undefined', false],
  ])('%s', async (path, withCode) => {
    await using api = await startApi();
    await api.call('PUT', 'actions/a', { body: hello });
    const exec = withCode ? described.exec : { kind: 'nodejs:24', binary: false };
    expect((await api.call('GET', path)).body).toEqual({ ...described, exec });
  });

  test('gives binary code and main back', async () => {
    await using api = await startApi();
    const exec = { kind: 'python:3.13', code: emptyZip, main: 'run' };
    await api.call('PUT', 'actions/a', { body: { exec } });
    expect((await api.call('GET', 'actions/a')).body).toMatchObject({ exec: { ...exec, binary: true } });
  });

  test('gives long code back in slices', async () => {
    await using api = await startApi();
    const code = `//${'\u{1f600}"\\\n'.repeat(500_000)}`;
    await api.call('PUT', 'actions/a', { body: { exec: { kind: 'nodejs:24', code } } });
    const answer = await api.call('GET', 'actions/a');
    expect(answer.body).toEqual({ ...described, exec: { kind: 'nodejs:24', binary: false, code } });
  });

  test('of an unknown action', async () => {
    await using api = await startApi();
    for (const path of ['actions/a', 'actions/p/a', 'actions/p/']) {
      expect((await api.call('GET', path)).status).toBe(404);
    }
  });
});

describe('If-Match', () => {
  test('changes and deletes only the revision that its ETag names', async () => {
    await using api = await startApi();
    const { headers } = await api.call('PUT', 'actions/a', { body: hello });
    const first = String(headers['etag']);
    const read = await api.call('GET', 'actions/a?code=false');
    expect([read.headers['etag'], first]).toEqual([first, expect.stringMatching(/^"[0-9a-f]{32}"$/)]);
    const change = (tag: string, name = 'a', method: 'PUT' | 'DELETE' = 'PUT') =>
      api.call(method, `actions/${name}?overwrite=true`, {
        ...(method === 'PUT' ? { body: hello } : {}),
        headers: { 'if-match': tag },
      });
    // nginx, Caddy and Apache change tags when they compress an answer.
    const weak = await change(`W/${first}`);
    const second = String(weak.headers['etag']);
    const suffixed = await change(`"other", ${second.replace(/"$/, '-gzip"')}`);
    const third = String(suffixed.headers['etag']);
    expect([weak.status, suffixed.status, new Set([first, second, third]).size]).toEqual([200, 200, 3]);
    const stale = await change(first);
    expect(stale).toMatchObject({
      ...{ status: 412, headers: { 'x-ward-fault': 'ENTITY_CHANGED' } },
      body: { error: 'The resource has changed since it was read.', hint: expect.stringContaining('ETag') },
    });
    for (const tag of [first, 'nonsense', '""', third.slice(1, -1)])
      expect((await change(tag, 'a', 'DELETE')).status, tag).toBe(412);
    // There is nothing that could have this revision.
    for (const tag of [first, '*']) expect((await change(tag, 'absent')).status).toBe(412);
    expect((await api.call('GET', 'actions/a')).headers['etag']).toBe(third);
    expect((await change('*')).status).toBe(200);
    expect((await change('*', 'a', 'DELETE')).status).toBe(200);
  });
});

describe('DELETE', () => {
  test('answers with the deleted action', async () => {
    await using api = await startApi();
    await api.call('PUT', 'actions/a', { body: hello });
    expect((await api.call('DELETE', 'actions/a')).body).toEqual(described);
    expect((await api.call('DELETE', 'actions/a')).status).toBe(404);
  });
});

describe('the list', () => {
  test('has pages of summaries, newest first', async () => {
    await using api = await startApi();
    for (const name of ['a', 'b', 'c']) await api.call('PUT', `actions/${name}`, { body: hello });
    const { parameters, exec, ...summary } = described;
    expect((await api.call('GET', 'actions?skip=2&limit=5')).body).toEqual([
      { ...summary, exec: { binary: exec.binary } },
    ]);
    const names = async (query: string) => {
      const { body } = await api.call('GET', `actions${query}`);
      return Array.isArray(body) ? body.map(({ name }) => name) : body;
    };
    expect(await names('')).toEqual(['c', 'b', 'a']);
    expect(await names('/?limit=0')).toEqual(['c', 'b', 'a']);
    expect(await names('?limit=1&skip=1')).toEqual(['b']);
    expect(await names('?search=B')).toEqual(['b']);
    expect(await names('?search=%25')).toEqual([]);
    expect(await names('?count=true&search=c')).toEqual({ actions: 1 });
    expect(await names('?count=true')).toEqual({ actions: 3 });
    expect(await names('?count=true&skip=2')).toEqual({ actions: 1 });
    expect(await names('?count=true&skip=9')).toEqual({ actions: 0 });
  });

  test.each([
    ['limit=201', "The value '201' is not in the range of 0 to 200 for actions."],
    ['limit=-1', "The value '-1' is not in the range of 0 to 200 for actions."],
    ['limit=x', "The value 'x' is not an integer for actions."],
    ['limit=1.5', "The value '1.5' is not an integer for actions."],
    ['skip=-1', "The value '-1' is not greater than or equal to 0 for actions."],
    ['skip=x', "The value 'x' is not an integer for actions."],
    ['count=x', "The query parameter 'count' was malformed:\n'x' is not a valid Boolean value"],
  ])('with %s is refused', async (query, error) => {
    const answer = await shared.call('GET', `actions?${query}`);
    expect([answer.status, answer.body]).toEqual([400, { error, code: answer.headers['x-request-id'] }]);
  });

  test('of an entity that is not a package', async () => {
    await using api = await startApi();
    await api.call('PUT', 'actions/a', { body: hello });
    const answer = await api.call('GET', 'actions/a/');
    expect([answer.status, answer.body]).toEqual([
      409,
      expect.objectContaining({ error: 'Resource by this name exists but is not in this collection.' }),
    ]);
  });
});

describe('the secret of a web action', () => {
  const annotations = [
    { key: 'web-export', value: true },
    { key: 'require-whisk-auth', value: 'opensesame' },
  ];
  const reads = async (api: TestApi) =>
    (await api.store.unsealed.read(100)).flatMap(({ entry }) =>
      String(entry['event']).startsWith('read-') ? [`${entry['event']} ${entry['name']}`] : [],
    );

  test('is shown only by a read of the action, which has an entry in the audit log', async () => {
    await using api = await startApi();
    await api.call('PUT', 'packages/p', { body: { publish: true } });
    for (const path of ['actions/a', 'actions/p/a'])
      await api.call('PUT', path, { body: { ...hello, annotations } });
    await api.call('PUT', 'actions/plain', { body: { ...hello, annotations: annotations.slice(0, 1) } });
    const hidden = [annotations[0], { key: 'require-whisk-auth', value: null }];
    for (const path of ['actions', 'actions/p/', 'packages/p']) {
      const { text } = await api.call('GET', path);
      expect([path, text.includes(JSON.stringify(hidden).slice(1, -1))]).toEqual([path, true]);
      expect(text).not.toContain('opensesame');
    }
    await api.call('GET', 'actions/plain');
    expect(await reads(api)).toEqual([]);
    for (const path of ['actions/a', 'actions/a?code=false', 'actions/p/a'])
      expect((await api.call('GET', path)).body).toMatchObject({
        annotations: expect.arrayContaining(annotations),
      });
    expect(await reads(api)).toEqual(['read-action /guest/a', 'read-action /guest/p/a']);
  });

  test('is hidden from other namespaces, also through their binding', async () => {
    await using api = await startApi();
    const headers = { authorization: basic(await api.functions.namespaces.create('other')) };
    await api.call('PUT', 'packages/p', { body: { publish: true } });
    await api.call('PUT', 'actions/p/a', { body: { ...hello, annotations } });
    const body = { binding: { namespace: 'guest', name: 'p' } };
    await api.call('PUT', '/api/v1/namespaces/_/packages/mine', { headers, body });
    for (const path of ['guest/actions/p/a', '_/actions/mine/a', '_/packages/mine', 'guest/actions/p/']) {
      const { status, text } = await api.call('GET', `/api/v1/namespaces/${path}`, { headers });
      expect([path, status, text.includes('{"key":"require-whisk-auth","value":null}')]).toEqual([
        path,
        200,
        true,
      ]);
      expect(text).not.toContain('opensesame');
    }
    expect(await reads(api)).toEqual([]);
  });
});

test('earlier code is sent like code, only to its own namespace', async () => {
  await using api = await startApi();
  const path = '/ward/v1/namespaces/_/earlier/a';
  const none = await api.call('GET', path);
  expect([none.status, none.headers['x-ward-fault']]).toEqual([404, 'NOT_FOUND']);
  await api.call('PUT', 'actions/a', { body: hello });
  const first = await api.call('GET', path);
  expect([first.status, first.headers['x-ward-fault']]).toEqual([404, 'EARLIER_CODE_MISSING']);
  const long = 'x"\n'.repeat(500_000);
  for (const code of [long, '// third'])
    await api.call('PUT', 'actions/a?overwrite=true', { body: { exec: { ...hello.exec, code } } });
  const earlier = await api.call('GET', path);
  const now = await api.call('GET', 'actions/a');
  expect(earlier.body).toEqual({
    ...{ namespace: 'guest', name: 'a', version: '0.0.2' },
    ...{ updated: expect.any(Number), replaced: JSON.parse(now.text).updated },
    exec: { kind: 'nodejs:24', binary: false, code: long },
  });
  expect(earlier.headers['etag']).toBe(now.headers['etag']);
  const theirs = await api.call('GET', '/ward/v1/namespaces/whisk.system/earlier/a');
  expect(theirs.status).toBe(403);
  const restored = await api.call('PUT', 'actions/a?overwrite=true', {
    headers: { 'if-match': String(earlier.headers['etag']) },
    body: { exec: JSON.parse(earlier.text).exec },
  });
  expect(restored).toMatchObject({ status: 200, body: { version: '0.0.4' } });
  expect(await api.call('GET', path)).toMatchObject({ body: { exec: { code: '// third' } } });
});
