/** `ward action`, against a stand-in for the API; test/ has the real one. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, test } from 'vitest';
import {
  action,
  actionsUrl,
  activationsUrl,
  eventStream,
  failed,
  activationId as id,
  record,
  startBench,
  stubKey,
} from '../cli.fixture.ts';

const bench = await startBench();
const { api, home, ward } = bench;
afterAll(() => bench[Symbol.asyncDispose]());
beforeEach(() => {
  api.requests.length = 0;
  api.answers.clear();
});

test('prints the server’s warnings, and succeeds', async () => {
  const headers = { 'x-ward-warning': 'calls of the action will fail: there is no image app' };
  api.answers.set(`PUT ${actionsUrl}/app`, { body: action, headers });
  const { code, stderr } = await ward(['action', 'update', 'app', '-t', '5000']);
  expect({ code, stderr }).toEqual({
    code: 0,
    stderr: `warning: ${headers['x-ward-warning']}\nok: updated action app\n`,
  });
});

test('a missing image is reported with the commands that import it', async () => {
  const headers = { 'x-ward-warning': 'calls of the action will fail: there is no image' };
  api.answers.set(`PUT ${actionsUrl}/scan`, { body: action, headers });
  const { code, stderr } = await ward(['action', 'create', 'scan', '--docker', 'docker.io/library/alpine:3']);
  const host = new URL(api.url).host;
  expect(code).toBe(0);
  expect(stderr).toContain(
    `skopeo copy --dest-tls-verify=false --dest-creds "$(ward property get --auth)" docker://docker.io/library/alpine:3 docker://${host}/guest/alpine:3\n`,
  );
  expect(stderr).toContain('ward action update scan --docker guest/alpine:3\n');
  expect(stderr).toContain('ward image build FOLDER --tag guest/alpine:3 --push\n');
});

test('action create sends code, kind, parameters, annotations and limits', async () => {
  await writeFile(join(home.path, 'hello.mjs'), 'export const main = () => ({});');
  api.answers.set(`PUT ${actionsUrl}/pack/hello`, { body: action });
  const { code, stdout, stderr } = await ward([
    ...['action', 'create', 'pack/hello', 'hello.mjs', '--main', 'run', '-p', 'a', '1', '-p', 'b', '-x'],
    ...['-a', 'final', 'true', '-m', '512', '-t', '5000', '-l', '1', '-c', '2', '--web', 'raw'],
  ]);
  expect({ code, stdout, stderr }).toEqual({
    code: 0,
    stdout: '',
    stderr: 'ok: created action pack/hello\n',
  });
  expect(api.requests).toEqual([
    {
      method: 'PUT',
      url: `${actionsUrl}/pack/hello?overwrite=false`,
      authorization: `Basic ${Buffer.from(stubKey).toString('base64')}`,
      body: {
        namespace: '_',
        name: 'pack/hello',
        exec: { kind: 'nodejs:default', code: 'export const main = () => ({});', main: 'run' },
        parameters: [
          { key: 'a', value: 1 },
          { key: 'b', value: '-x' },
        ],
        annotations: [
          { key: 'final', value: true },
          { key: 'web-export', value: true },
          { key: 'raw-http', value: true },
        ],
        limits: { memory: 512, timeout: 5000, logs: 1, concurrency: 2 },
      },
    },
  ]);
});

test('action update sends only the given options, and encodes names', async () => {
  api.answers.set(`PUT ${actionsUrl.replace('_', 'my%20ns')}/a%20%26%3F%23b`, { body: action });
  const { code, stdout } = await ward(['action', 'update', '/my ns/a &?#b', '-t', '1000', '-o', 'json']);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toEqual(action);
  expect(api.requests[0]).toMatchObject({
    url: '/api/v1/namespaces/my%20ns/actions/a%20%26%3F%23b?overwrite=true',
    body: { namespace: 'my ns', name: 'a &?#b', limits: { timeout: 1000 } },
  });
  expect(api.requests[0]?.body).not.toHaveProperty('exec');
});

test('a sequence has full names; a copy has all that the original has, and typed options override it', async () => {
  api.answers.set(`PUT ${actionsUrl}/both`, { body: action });
  expect((await ward(['action', 'create', 'both', '--sequence', 'a, pack/b,/other/c'])).code).toBe(0);
  expect(api.requests[0]?.body).toMatchObject({
    exec: { kind: 'sequence', components: ['/_/a', '/_/pack/b', '/other/c'] },
  });
  const exec = { kind: 'nodejs:24', code: 'x', binary: false };
  api.answers.set(`GET ${actionsUrl}/hello`, {
    body: {
      ...action,
      exec,
      annotations: [
        { key: 'exec', value: 'nodejs:24' },
        { key: 'final', value: true },
      ],
    },
  });
  const copy = await ward([
    'action',
    'create',
    'both',
    '/_/hello',
    '--copy',
    '-p',
    'greeting',
    'Ho',
    '-p',
    'n',
    '1',
  ]);
  expect(copy.code).toBe(0);
  expect(api.requests.slice(1)).toMatchObject([
    { method: 'GET', url: `${actionsUrl}/hello?code=true` },
    {
      body: {
        exec,
        parameters: [
          { key: 'greeting', value: 'Ho' },
          { key: 'n', value: 1 },
        ],
        annotations: [{ key: 'final', value: true }],
      },
    },
  ]);
  expect((await ward(['action', 'create', 'both', '--sequence'])).code).toBe(2);
  expect((await ward(['action', 'create', 'both', '--sequence', '--copy', 'a'])).code).toBe(2);
});

test('Ward’s own limits, annotations to delete, and --native', async () => {
  await writeFile(join(home.path, 'run.sh'), 'echo {}');
  api.answers.set(`PUT ${actionsUrl}/x`, { body: action });
  const args = ['--cpus', '0.5', '--disk', '64', '--instances', '3', '--native'];
  expect(
    (
      await ward([
        'action',
        'update',
        'x',
        'run.sh',
        ...args,
        '--del-annotation',
        'a',
        '--del-annotation',
        'b',
      ])
    ).code,
  ).toBe(0);
  expect(api.requests[0]?.body).toMatchObject({
    exec: { kind: 'native:default', code: 'echo {}' },
    limits: { cpus: 0.5, disk: 64, instances: 3 },
    delAnnotations: ['a', 'b'],
  });
  expect((await ward(['action', 'update', 'x', '--cpus', '0'])).code).toBe(2);
});

test('--web-secure sets a text, keeps an existing number, or removes the secret', async () => {
  await writeFile(join(home.path, 'page.js'), 'x');
  api.answers.set(`PUT ${actionsUrl}/page`, { body: action });
  const annotations = () => {
    const body = api.requests.at(-1)?.body as { annotations?: { key: string; value: unknown }[] };
    return Object.fromEntries((body.annotations ?? []).map(({ key, value }) => [key, value]));
  };
  await ward(['action', 'create', 'page', 'page.js', '--web', 'true', '--web-secure', 'true']);
  const number = annotations()['require-whisk-auth'];
  expect(Number.isSafeInteger(number)).toBe(true);
  expect(annotations()).toMatchObject({ 'web-export': true, 'raw-http': false, final: true });
  await ward(['action', 'create', 'page', 'page.js', '--web', 'true', '--web-secure', 'true']);
  expect(annotations()['require-whisk-auth']).not.toBe(number);

  const existing = (secret: number | string) => ({
    ...action,
    annotations: [
      { key: 'web-export', value: true },
      { key: 'require-whisk-auth', value: secret },
    ],
  });
  api.answers.set(`GET ${actionsUrl}/page`, { body: existing(9007199254740991) });
  await ward(['action', 'update', 'page', '--web-secure', 'true']);
  expect(annotations()).toEqual({ 'require-whisk-auth': 9007199254740991 });
  await ward(['action', 'update', 'page', '--web-secure', 's3cret']);
  expect(annotations()).toEqual({ 'require-whisk-auth': 's3cret' });
  await ward(['action', 'update', 'page', '--web-secure', 'false']);
  expect(api.requests.at(-1)?.body).toMatchObject({ delAnnotations: ['require-whisk-auth'] });

  const before = api.requests.length;
  expect((await ward(['action', 'create', 'page', 'page.js', '--web-secure', 'x'])).code).toBe(2);
  expect((await ward(['action', 'update', 'page', '--web', 'no', '--web-secure', 'x'])).code).toBe(2);
  expect(api.requests.slice(before).filter(({ method }) => method === 'PUT')).toEqual([]);
});

test('action get --url prints the URL of a call, --summary what the action does', async () => {
  const web = [{ key: 'web-export', value: true }];
  api.answers.set(`GET ${actionsUrl}/hello`, { body: { ...action, annotations: web } });
  api.answers.set(`GET ${actionsUrl}/pack/hello`, {
    body: {
      ...action,
      namespace: 'guest/pack',
      annotations: [
        { key: 'description', value: 'greets' },
        { key: 'parameters', value: [{ name: 'name' }, { name: 'greeting' }] },
      ],
    },
  });
  expect((await ward(['action', 'get', 'hello', '--url'])).stdout).toBe(
    `${api.url}/api/v1/web/guest/default/hello\n`,
  );
  expect((await ward(['action', 'get', 'pack/hello', '-r'])).stdout).toBe(
    `${api.url}/api/v1/namespaces/guest/actions/pack/hello\n`,
  );
  expect((await ward(['action', 'get', 'pack/hello', '--summary'])).stdout).toBe(
    'action /guest/pack/hello: greets\n   (parameters: *greeting, name)\n',
  );
});

test('action list is a table for people, and data for programs', async () => {
  const older = { ...action, namespace: 'guest/pack', name: 'a-test' };
  api.answers.set(`GET ${actionsUrl}`, { body: [older, action] });
  const table = (await ward(['action', 'list', '--name-sort'])).stdout.split('\n');
  expect(table[0]).toMatch(/^NAME +KIND +VERSION +MEMORY +TIMEOUT +UPDATED$/);
  expect(table[1]).toMatch(/^hello +nodejs:24 +0\.0\.2 +256 MB +60000 ms +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/);
  expect((await ward(['action', 'list', '-o', 'name'])).stdout).toBe('pack/a-test\nhello\n');
  expect(JSON.parse((await ward(['action', 'list', '-o', 'json'])).stdout)).toEqual([older, action]);
  expect((await ward(['action', 'list', '-o', 'yaml'])).stdout).toMatch(
    /^- namespace: guest\/pack\n {2}name: a-test\n/,
  );
  expect((await ward(['action', 'list', '-o', 'wide'])).stdout).toMatch(
    /NAMESPACE +LOGS +CONCURRENCY +WEB\n/,
  );
  expect(api.requests[0]?.url).toBe(`${actionsUrl}?limit=30&skip=0`);
});

test('action list of a package sends the trailing slash', async () => {
  api.answers.set(`GET ${actionsUrl}/pack/`, { body: [] });
  const { code } = await ward(['action', 'list', 'pack', '-l', '5', '-s', '2']);
  expect(code).toBe(0);
  expect(api.requests[0]?.url).toBe(`${actionsUrl}/pack/?limit=5&skip=2`);
});

test('action get shows a record, a field, or saves the code once', async () => {
  api.answers.set(`GET ${actionsUrl}/hello`, {
    body: { ...action, exec: { kind: 'nodejs:24', code: 'the code', binary: false } },
  });
  expect((await ward(['action', 'get', 'hello'])).stdout).toMatch(/\nparameters +greeting=Hi\n/);
  expect(JSON.parse((await ward(['action', 'get', 'hello', 'limits'])).stdout)).toEqual(action.limits);
  expect((await ward(['action', 'get', 'hello', 'nonsense'])).code).toBe(2);
  expect((await ward(['action', 'get', 'hello', '--save'])).code).toBe(0);
  expect(await readFile(join(home.path, 'hello.js'), 'utf8')).toBe('the code');
  const again = await ward(['action', 'get', 'hello', '--save']);
  expect(again.code).toBe(1);
  expect(again.stderr).toContain('error[FILE_EXISTS]: hello.js exists');
  expect(api.requests.map(({ url }) => new URL(url, api.url).searchParams.get('code'))).toEqual([
    ...['false', 'false', 'false', 'true', 'true'],
  ]);
});

test('likely secrets are shown on request only, in every format', async () => {
  const parameters = [
    { key: 'greeting', value: 'Hi' },
    { key: 'DB_PASSWORD', value: 'pa55' },
  ];
  api.answers.set(`GET ${actionsUrl}/hello`, { body: { ...action, parameters } });
  api.answers.set(`PUT ${actionsUrl}/hello`, { body: { ...action, parameters } });
  api.answers.set(`GET ${actionsUrl}`, { body: [{ ...action, parameters }] });
  const get = ['action', 'get', 'hello'];
  const list = ['action', 'list', '-o', 'json'];
  const update = ['action', 'update', 'hello', '-t', '1000', '-o', 'json'];
  for (const args of [get, [...get, 'parameters'], [...get, '-o', 'yaml'], list, update]) {
    const { code, stdout, stderr } = await ward(args);
    expect([code, `${stdout}${stderr}`]).toEqual([0, expect.not.stringContaining('pa55')]);
    expect(stdout).toMatch(/Hi[\s\S]*\(hidden\)/);
  }
  expect((await ward(get)).stderr).toBe('note: a value is hidden; --show-secrets shows all\n');
  const shown = await ward([...get, '--show-secrets', '-o', 'json']);
  expect(JSON.parse(shown.stdout)).toMatchObject({ parameters });
  expect(shown.stderr).toBe('');
});

test('--hide-parameters is an annotation', async () => {
  api.answers.set(`PUT ${actionsUrl}/hello`, { body: action });
  expect((await ward(['action', 'update', 'hello', '--hide-parameters'])).code).toBe(0);
  expect(api.requests[0]?.body).toMatchObject({ annotations: [{ key: 'hide-parameters', value: true }] });
});

test('action delete', async () => {
  api.answers.set(`DELETE ${actionsUrl}/hello`, { body: action });
  expect(await ward(['action', 'delete', 'hello'])).toMatchObject({
    code: 0,
    stderr: 'ok: deleted action hello\n',
  });
});

test('action invoke without waiting prints only the id on stdout', async () => {
  api.answers.set(`POST ${actionsUrl}/hello`, { status: 202, body: { activationId: id } });
  const { code, stdout, stderr } = await ward(['action', 'invoke', 'hello']);
  expect({ code, stdout }).toEqual({ code: 0, stdout: `${id}\n` });
  expect(stderr).toContain(`ward activation get ${id}`);
  expect(api.requests[0]).toMatchObject({
    url: `${actionsUrl}/hello?blocking=false&result=false`,
    body: {},
  });
  const json = await ward(['action', 'invoke', 'hello', '-o', 'json']);
  expect(JSON.parse(json.stdout)).toEqual({ activationId: id });
});

test('action invoke --result prints only the result', async () => {
  api.answers.set(`POST ${actionsUrl}/hello`, { body: record });
  const args = ['action', 'invoke', 'hello', '--param', 'name', 'World', '-P', '-', '--result'];
  const { code, stdout, stderr } = await ward(args, '{"name": "file", "n": 1}');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toBe('{\n  "greeting": "Hello, World"\n}\n');
  expect(api.requests[0]).toMatchObject({
    url: `${actionsUrl}/hello?blocking=true&result=false`,
    body: { name: 'World', n: 1 },
  });
});

test('action invoke --blocking prints the record; an array result is one too', async () => {
  api.answers.set(`POST ${actionsUrl}/hello`, { body: record });
  expect(JSON.parse((await ward(['action', 'invoke', 'hello', '-b'])).stdout)).toEqual(record);
  api.answers.set(`POST ${actionsUrl}/hello`, {
    body: [1, 2],
    headers: { 'x-openwhisk-activation-id': id },
  });
  expect(JSON.parse((await ward(['action', 'invoke', 'hello', '-r'])).stdout)).toEqual([1, 2]);
});

test('a failed action exits with 8, with its result on stdout and its log on stderr', async () => {
  api.answers.set(`POST ${actionsUrl}/hello`, { status: 502, body: { ...failed, logs: [] } });
  api.answers.set(`GET ${activationsUrl}/${id}`, { body: failed });
  const { code, stdout, stderr } = await ward(['action', 'invoke', 'hello', '-r']);
  expect(code).toBe(8);
  expect(JSON.parse(stdout)).toEqual({ error: 'no luck' });
  expect(stderr).toBe(
    [
      "error[ACTION_FAILED]: hello ended with 'application error'",
      'why:   no luck',
      'log:   hello',
      '       oh',
      `try:   ward activation logs ${id}`,
      '',
    ].join('\n'),
  );
});

test('the hint is printed once, and the stack only in the log', async () => {
  const hint = 'raise --memory';
  const annotations = [...record.annotations, { key: 'hint', value: hint }];
  const error = 'Initialization has failed due to: Error: no\n    at main (/fn/index.js:1:1)';
  const response = { status: 'action developer error', success: false, result: { error } };
  const body = { ...failed, annotations, response };
  api.answers.set(`POST ${actionsUrl}/hello`, { status: 502, body });
  const logs = ['2026-01-01T10:00:00.123456789Z stderr: oh', `2026-01-01T10:00:00.3Z stderr: hint: ${hint}`];
  api.answers.set(`GET ${activationsUrl}/${id}`, { body: { ...body, logs } });
  const { stderr } = await ward(['action', 'invoke', 'hello', '-r']);
  expect(stderr).toBe(
    [
      "error[ACTION_FAILED]: hello ended with 'action developer error'",
      'why:   Initialization has failed due to: Error: no',
      `try:   ${hint}`,
      'log:   oh',
      `more:  ward activation logs ${id}`,
      '',
    ].join('\n'),
  );
});

test.each([
  ['api.example.com', ['api.example.com:443']],
  ['api.example.com:8443,203.0.113.0/24', ['api.example.com:8443', '203.0.113.0/24']],
  ['none', []],
])('--egress %s sets the annotation', async (typed, rules) => {
  api.answers.set(`PUT ${actionsUrl}/hello`, { body: action });
  expect((await ward(['action', 'update', 'hello', '--egress', typed])).code).toBe(0);
  expect(api.requests[0]?.body).toMatchObject({ annotations: [{ key: 'egress', value: rules }] });
});

test('an action that still runs when the server stops waiting exits with 7', async () => {
  api.answers.set(`POST ${actionsUrl}/hello`, { status: 202, body: { activationId: id } });
  const { code, stderr } = await ward(['action', 'invoke', 'hello', '-b']);
  expect(code).toBe(7);
  expect(stderr).toContain(`ward activation get ${id}`);
});

test('--follow shows the log on stderr as it arrives, and only the result on stdout', async () => {
  const { logs: lines, ...ended } = record;
  api.answers.set(`POST ${actionsUrl}/hello`, { status: 202, body: { activationId: id } });
  api.answers.set(`GET ${activationsUrl}/${id}/stream`, (_, count) =>
    // The first stream breaks; the second one begins again.
    count === 1
      ? eventStream(['log', lines[0] ?? ''])
      : eventStream(...lines.map((line) => ['log', line] as const), ['end', ended]),
  );
  const { code, stdout, stderr } = await ward(['action', 'invoke', 'hello', '--follow', '--result']);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toEqual(record.response.result);
  expect(stderr).toBe(`invoked hello with id ${id}\nhello\noh\n`);
  expect(api.requests[0]?.url).toBe(`${actionsUrl}/hello?blocking=false&result=false`);
});

test('--follow reconnects in the middle of a log without repeating or losing a line', async () => {
  const { logs: _, ...ended } = record;
  const at = (n: number) => ['log', `2026-01-01T10:00:00.123456789Z stdout: ${n}`, n] as const;
  api.answers.set(`POST ${actionsUrl}/hello`, { status: 202, body: { activationId: id } });
  api.answers.set(`GET ${activationsUrl}/${id}/stream`, (_, count) =>
    // The server has only the last lines of a long log.
    count === 1 ? eventStream(at(1), at(2), at(3)) : eventStream(at(3), at(4), ['end', ended]),
  );
  const { stderr } = await ward(['action', 'invoke', 'hello', '--follow', '--result']);
  expect(stderr).toBe(`invoked hello with id ${id}\n1\n2\n3\n4\n`);
});

test('--follow of a run that fails exits with 8, and of one without a record with 5', async () => {
  api.answers.set(`POST ${actionsUrl}/hello`, { status: 202, body: { activationId: id } });
  api.answers.set(`GET ${activationsUrl}/${id}/stream`, eventStream(['end', { ...failed, logs: [] }]));
  const outcome = await ward(['action', 'invoke', 'hello', '--follow', '-r']);
  expect(outcome.code).toBe(8);
  expect(outcome.stderr).toContain('error[ACTION_FAILED]: hello ended with');
  api.answers.set(`GET ${activationsUrl}/${id}/stream`, eventStream(['end', null]));
  expect((await ward(['action', 'invoke', 'hello', '--follow', '-r'])).code).toBe(5);
});

test('--follow without a stream shows what the record has', async () => {
  api.answers.set(`POST ${actionsUrl}/hello`, { status: 202, body: { activationId: id } });
  api.answers.set(`GET ${activationsUrl}/${id}`, { body: record });
  const { code, stdout, stderr } = await ward(['action', 'invoke', 'hello', '--follow', '-r']);
  expect({ code, stdout }).toEqual({ code: 0, stdout: '{\n  "greeting": "Hello, World"\n}\n' });
  expect(stderr).toContain('\nhello\noh\n');
});

test.each([
  [401, 'KEY_REFUSED', 4],
  [404, 'NOT_FOUND', 5],
  [429, 'THROTTLED', 7],
  [500, 'SERVER_FAILED', 1],
  [502, 'SERVER_FAILED', 1],
])('an API error %i of invoke is %s', async (status, code, exitCode) => {
  api.answers.set(`POST ${actionsUrl}/hello`, { status, body: { error: 'the words', code: 'request-1' } });
  const outcome = await ward(['action', 'invoke', 'hello', '-r']);
  expect(outcome).toMatchObject({ code: exitCode, stdout: '' });
  expect(outcome.stderr).toMatch(new RegExp(`^error\\[${code}\\]: the words\nwhy: {3}POST .* → ${status}`));
  expect(outcome.stderr).toContain('request-1');
});

test('revert sends the earlier code for the revision that it saw, and overwrites no other', async () => {
  const exec = { kind: 'java:21', code: 'UEs=', main: 'Hello' };
  const earlier = { version: '0.0.1', exec: { ...exec, binary: true, deprecated: true, runsAs: 'java:21' } };
  const headers = { etag: '"tag"' };
  api.answers.set('GET /ward/v1/namespaces/_/earlier/tools/hello', { body: earlier, headers });
  api.answers.set(`PUT ${actionsUrl}/tools/hello`, { body: { ...action, version: '0.0.3' } });
  expect(await ward(['action', 'revert', 'tools/hello'])).toMatchObject({
    code: 0,
    stderr: 'ok: put back the code of revision 0.0.1 of tools/hello as 0.0.3\n',
  });
  expect(api.requests.at(-1)).toMatchObject({ ifMatch: '"tag"', body: { exec } });
  const error = 'The resource has changed since it was read.';
  api.answers.set(`PUT ${actionsUrl}/tools/hello`, { status: 412, body: { error } });
  const outcome = await ward(['action', 'revert', 'tools/hello']);
  expect(outcome).toMatchObject({ code: 1, stderr: expect.stringContaining(`error[CONFLICT]: ${error}`) });
});
