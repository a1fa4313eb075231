/** `ward action` as a process, against a stand-in for the API; test/ has the real one. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, test } from 'vitest';
import {
  action,
  actionsUrl,
  activationsUrl,
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

test('action update sends only what is said, and names are encoded', async () => {
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

test('action list of a package asks with the trailing slash', async () => {
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

test('action delete', async () => {
  api.answers.set(`DELETE ${actionsUrl}/hello`, { body: action });
  expect(await ward(['action', 'delete', 'hello'])).toMatchObject({
    code: 0,
    stderr: 'ok: deleted action hello\n',
  });
});

test('action invoke without waiting prints the id alone on stdout', async () => {
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

test('action invoke --result prints the result alone', async () => {
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

test('an action that fails exits with 8, its result on stdout, its log on stderr', async () => {
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

test('an action that still runs when the server stops waiting exits with 7', async () => {
  api.answers.set(`POST ${actionsUrl}/hello`, { status: 202, body: { activationId: id } });
  const { code, stderr } = await ward(['action', 'invoke', 'hello', '-b']);
  expect(code).toBe(7);
  expect(stderr).toContain(`ward activation get ${id}`);
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
