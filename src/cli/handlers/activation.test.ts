/** `ward activation`, against a stand-in for the API; test/ has the real one. */
import { afterAll, beforeEach, expect, test } from 'vitest';
import { activationsUrl, eventStream, activationId as id, record, startBench } from '../cli.fixture.ts';

const bench = await startBench();
const { api, ward } = bench;
afterAll(() => bench[Symbol.asyncDispose]());
beforeEach(() => {
  api.requests.length = 0;
  api.answers.clear();
});

test('activation list shows when, what, how and how long', async () => {
  const summary = { ...record, response: undefined, logs: undefined, statusCode: 2 };
  api.answers.set(`GET ${activationsUrl}`, { body: [summary] });
  const { stdout } = await ward(['activation', 'list', 'hello', '--since', '5', '--upto', '9', '-l', '1']);
  expect(stdout.split('\n')[1]).toMatch(
    new RegExp(`^\\S+ \\S+ +${id} +action developer error +17 ms +cold +pack/hello$`),
  );
  expect(api.requests[0]?.url).toBe(`${activationsUrl}?name=hello&limit=1&skip=0&since=5&upto=9`);
});

test('activation get, result and logs, by id and by --last', async () => {
  api.answers.set(`GET ${activationsUrl}`, { body: [record] });
  api.answers.set(`GET ${activationsUrl}/${id}`, { body: record });
  expect((await ward(['activation', 'get', id])).stdout).toMatch(/\naction +pack\/hello\n/);
  expect(JSON.parse((await ward(['activation', 'get', '--last', '-o', 'json'])).stdout)).toEqual(record);
  expect(JSON.parse((await ward(['activation', 'result', id])).stdout)).toEqual(record.response.result);
  expect((await ward(['activation', 'logs', id])).stdout).toBe(`${record.logs.join('\n')}\n`);
  expect((await ward(['activation', 'logs', '-l', '--strip'])).stdout).toBe('hello\noh\n');
  expect((await ward(['activation', 'logs'])).code).toBe(2);
  expect((await ward(['activation', 'logs', id, '--last'])).code).toBe(2);
});

test('activation list of a namespace, and of one of its actions', async () => {
  api.answers.set('GET /api/v1/namespaces/acme/activations', { body: [] });
  await ward(['activation', 'list', '/acme']);
  await ward(['activation', 'list', '/acme/pack/hello']);
  expect(api.requests.map(({ url }) => url)).toEqual([
    '/api/v1/namespaces/acme/activations?limit=30&skip=0',
    '/api/v1/namespaces/acme/activations?name=pack%2Fhello&limit=30&skip=0',
  ]);
});

test('a running activation is pending, not a success, and has no result yet', async () => {
  const { end: _, duration: __, logs: ___, ...running } = record;
  const pending = { ...running, response: { status: 'pending', success: false, result: {} } };
  api.answers.set(`GET ${activationsUrl}`, { body: [{ ...running, response: undefined }] });
  api.answers.set(`GET ${activationsUrl}/${id}`, { body: pending });
  expect((await ward(['activation', 'list'])).stdout).toMatch(new RegExp(`${id} +pending +pack/hello`));
  expect((await ward(['activation', 'get', id])).stdout).toMatch(/\nstatus +pending\n/);
  expect(api.requests.at(-1)?.url).toBe(`${activationsUrl}/${id}?pending=true`);
  const result = await ward(['activation', 'result', id]);
  expect(result).toMatchObject({ code: 7, stdout: '' });
  expect(result.stderr).toContain(`ward activation logs --follow ${id}`);
});

test('activation get shows where the time went, and why the start was cold', async () => {
  const annotations = [
    ...record.annotations,
    { key: 'start', value: 'cold' },
    { key: 'startReason', value: 'all its sandboxes were busy' },
    { key: 'waitReason', value: 'no memory was free for another sandbox' },
    { key: 'sandboxTime', value: 1234 },
    { key: 'partialLog', value: 'cut' },
    { key: 'traceId', value: '0af7651916cd43dd8448eb211c80319c' },
  ];
  api.answers.set(`GET ${activationsUrl}/${id}`, { body: { ...record, annotations } });
  const { stdout } = await ward(['activation', 'get', id]);
  expect(stdout).toMatch(
    /\nbegan +cold: all its sandboxes were busy\nwait +3 ms: no memory was free for another sandbox\nsandbox +1\.23 s\ninit +40 ms\n/,
  );
  expect(stdout).toMatch(/\npartial log +cut\n/);
  expect(stdout).toMatch(/\ntrace +0af7651916cd43dd8448eb211c80319c\n/);
});

test('activation get: a field, a summary, the log', async () => {
  api.answers.set(`GET ${activationsUrl}`, { body: [record] });
  api.answers.set(`GET ${activationsUrl}/${id}`, { body: record });
  expect((await ward(['activation', 'get', id, 'duration'])).stdout).toBe('17\n');
  expect((await ward(['activation', 'get', '--last', 'duration'])).stdout).toBe('17\n');
  expect((await ward(['activation', 'get', id, '--logs'])).stdout).toBe('hello\noh\n');
  expect((await ward(['activation', 'get', id, '--summary'])).stdout).toMatch(
    /^\/guest\/pack\/hello \(success at .*\)\n\{\n {2}"greeting"/,
  );
  expect((await ward(['activation', 'get', id, 'nonsense'])).code).toBe(2);
});

test.each([
  ['cut', 'reached its limit'],
  ['incomplete', 'last lines may be missing'],
  ['lost', 'the log is lost'],
  ['of a later version', 'may lack lines'],
])('a log that is partial (%s) has a note on stderr, also when it is followed', async (partial, text) => {
  const { logs, ...ended } = { ...record, annotations: [{ key: 'partialLog', value: partial }] };
  api.answers.set(`GET ${activationsUrl}/${id}`, { body: { ...ended, logs } });
  api.answers.set(`GET ${activationsUrl}/${id}/stream`, eventStream(['log', logs[0] ?? ''], ['end', ended]));
  for (const command of [
    ['logs', id, '--strip'],
    ['get', id, '--logs'],
    ['logs', '--follow', id],
  ]) {
    const { code, stdout, stderr } = await ward(['activation', ...command]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining(text) });
    expect(stdout).not.toContain(text);
  }
});

test('activation logs --follow ends with the run, whatever its outcome', async () => {
  api.answers.set(
    `GET ${activationsUrl}/${id}/stream`,
    eventStream(['log', record.logs[0] ?? ''], ['end', null]),
  );
  const outcome = await ward(['activation', 'logs', '--follow', '--strip', id]);
  expect(outcome).toMatchObject({ code: 0, stdout: 'hello\n', stderr: '' });
  expect((await ward(['activation', 'logs', '--follow', '0'.repeat(32)])).code).toBe(5);
  expect(await ward(['logs', '-f', id, '--strip'])).toEqual(outcome);
  expect((await ward(['logs', '-f', id, '--grep', 'x'])).code).toBe(2);
});

test('activation poll shows each activation once, oldest first, and ends on request', async () => {
  const older = { ...record, activationId: '1'.repeat(32), start: record.start - 5, logs: [] };
  api.answers.set(`GET ${activationsUrl}`, { body: [record, older] });
  const { code, stdout } = await ward(['activation', 'poll', 'hello', '--exit', '3', '--since-days', '9999']);
  expect(code).toBe(0);
  const lists = api.requests.filter(({ url }) => url.startsWith(activationsUrl));
  expect(lists.length).toBe(2);
  expect(lists[0]?.url).toMatch(/\?docs=true&limit=0&skip=0&since=\d+&name=hello$/);
  const lines = stdout.trimEnd().split('\n');
  expect(lines.length).toBe(4);
  expect(lines[0]).toContain('1'.repeat(32));
  expect(lines[1]).toContain(id);
  expect(lines[2]).toBe(`  ${record.logs[0]}`);
});

test.each(['tells', 'does not tell'])(
  'activation poll shows a run of 200 seconds, if the server %s what is under way',
  async (tells) => {
    const late = { ...record, activationId: '2'.repeat(32), start: record.start - 100_000 };
    api.answers.set(`GET ${activationsUrl}`, ({ url }, count) => {
      const since = Number(new URL(url, api.url).searchParams.get('since'));
      return { body: (count === 1 ? [record] : [record, late]).filter(({ start }) => start >= since) };
    });
    if (tells === 'tells') {
      const calls = [{ activationId: late.activationId, path: 'guest/pack/hello' }];
      api.answers.set('GET /ward/v1/namespaces/_/calls', (_, count) => ({
        body: count === 1 ? { total: 1, calls } : { total: 0, calls: [] },
      }));
      api.answers.set(`GET ${activationsUrl}/${late.activationId}`, { body: late });
    }
    const { stdout } = await ward([
      'activation',
      'poll',
      '--exit',
      '3',
      '--since-days',
      '9999',
      '-o',
      'name',
    ]);
    expect(stdout).toBe(`${id}\n${late.activationId}\n`);
  },
);

test('logs asks for page after page, and prints down to the newest', async () => {
  const url = '/ward/v1/namespaces/_/logs';
  const found = (at: number, text: string) => ({
    activationId: `a${at}`,
    action: 'hello',
    line: `t stdout: ${text}`,
  });
  const pages = [
    { lines: [found(2, 'new'), found(2, 'newer')], cut: 3, next: 41 },
    { lines: [found(1, 'old')], cut: 0, next: null },
  ];
  api.answers.set(`GET ${url}`, () => ({ body: pages.shift() ?? {} }));
  const { stdout, stderr } = await ward([
    'logs',
    'hello',
    '--grep',
    'e',
    '--until',
    '2026-01-31T12:00Z',
    '--limit',
    '5',
  ]);
  expect(stdout).toBe('a1 hello t stdout: old\na2 hello t stdout: new\na2 hello t stdout: newer\n');
  expect(stderr).toContain('3 lines of an activation were left out');
  const until = Date.UTC(2026, 0, 31, 12);
  expect(api.requests.map((each) => each.url)).toEqual([
    `${url}?name=hello&text=e&upto=${until}&limit=5`,
    `${url}?name=hello&text=e&upto=41&limit=3`,
  ]);
});

test('activation cancel ends calls by their ids, or all that a filter lists', async () => {
  const calls = '/ward/v1/namespaces/_/calls';
  const other = 'b'.repeat(32);
  api.answers.set(`POST ${calls}/cancel`, { body: { cancelled: [id], missing: [other] } });
  const named = await ward(['activation', 'cancel', id, other]);
  expect(named).toMatchObject({ code: 1, stderr: expect.stringContaining('ok: cancelled 1 call\n') });
  expect(named.stderr).toContain(`activation ${other} has ended, or does not exist`);
  expect(api.requests.map(({ method, body }) => [method, body])).toEqual([
    ['POST', { activationIds: [id, other] }],
  ]);

  api.requests.length = 0;
  api.answers.set(`GET ${calls}`, { body: { total: 1, calls: [{ activationId: id, path: 'hello' }] } });
  const filter = ['activation', 'cancel', '--action', 'hello', '--since', '1970-01-01T00:00:00.005Z'];
  expect(await ward([...filter, '--dry-run'])).toMatchObject({
    ...{ code: 0, stdout: `${id}  hello\n`, stderr: '1 call would be cancelled\n' },
  });
  expect(api.requests.map(({ url }) => url)).toEqual([`${calls}?name=hello&since=5&limit=200`]);
  expect(await ward(filter)).toMatchObject({ code: 0 });
  expect(api.requests.at(-1)?.body).toEqual({ activationIds: [id] });
  for (const wrong of [[], [id, '--all']])
    expect((await ward(['activation', 'cancel', ...wrong])).code).toBe(2);
});
