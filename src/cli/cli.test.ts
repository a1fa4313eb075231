/** The command line against a stand-in for the API (cli.fixture.ts); test/ has the real one. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, test } from 'vitest';
import {
  action,
  actionsUrl,
  asked,
  launchWard,
  makeHome,
  packagesUrl,
  record,
  rulesUrl,
  runWard,
  startBench,
  startStubApi,
  stubKey,
  triggersUrl,
  type WardOptions,
} from './cli.fixture.ts';

const bench = await startBench();
const { api, home, ward } = bench;
afterAll(() => bench[Symbol.asyncDispose]());
beforeEach(() => {
  api.requests.length = 0;
  api.answers.clear();
});

const settings = { WARD_APIHOST: api.url, WARD_AUTH: stubKey };

interface Launched extends Pick<WardOptions, 'env' | 'input'> {
  readonly words: readonly string[];
  readonly code: number;
}

/** The other tests run their commands in this process. */
test.each<Launched>([
  { words: ['--version'], code: 0 },
  { words: ['action', '--help'], code: 0 },
  { words: ['action', 'lst'], code: 2 },
  { words: ['action', 'lst'], code: 2, env: { FORCE_COLOR: '1' } },
  { words: ['namespace', 'list'], code: 0 },
  { words: ['namespace', 'list', '-o', 'yaml'], code: 0 },
  { words: ['namespace', 'list'], code: 4, env: { WARD_AUTH: '' } },
  { words: ['namespace', 'list', '--apihost', 'http://127.0.0.1:1'], code: 6 },
  { words: ['namespace', 'list', '--apihost', 'ftp://x'], code: 2 },
  { words: ['package', 'list'], code: 5 },
  { words: ['action', 'invoke', 'hello', '-r', '-P', '-'], code: 0, input: '{"name": "Ada"}' },
  { words: ['action', 'create', 'hello', 'missing.js'], code: 2 },
  { words: ['policy', 'check', '-'], code: 2, input: 'form: 2' },
  { words: ['audit', 'list', '--all'], code: 2 },
  { words: ['audit', 'list', '--all'], code: 5, env: { WARD_APIHOST: '' } },
  { words: ['advisories', 'status'], code: 5, env: { WARD_APIHOST: '' } },
])('as a process, ward $words ends with $code and says the same', async ({ words, code, ...more }) => {
  api.answers.set('GET /api/v1/namespaces', { body: ['guest'] });
  api.answers.set(`POST ${actionsUrl}/hello`, { body: record });
  const options = { home, ...more, env: { ...settings, ...more.env } };
  const here = await runWard(words, options);
  const sentFromHere = api.requests.splice(0);
  expect(await launchWard(words, options)).toEqual(here);
  expect(api.requests).toEqual(sentFromHere);
  expect(here.code).toBe(code);
});

test('namespace list and get', async () => {
  api.answers.set('GET /api/v1/namespaces', { body: ['guest'] });
  const limits = { invocationsPerMinute: 60, codeQuotaBytes: 1024 };
  api.answers.set('GET /api/v1/namespaces/_/limits', { body: limits });
  const usage = { code: { used: 512, limit: 1024 }, records: { used: 3_000_000, limit: 2 ** 32, count: 7 } };
  api.answers.set('GET /ward/v1/namespaces/_/usage', { body: usage });
  for (const [at, collection] of ['packages', 'actions', 'triggers', 'rules'].entries())
    api.answers.set(`GET /api/v1/namespaces/_/${collection}`, { body: { [collection]: at } });
  expect((await ward(['namespace', 'list'])).stdout).toBe('NAMESPACE\nguest\n');
  expect((await ward(['namespace', 'get'])).stdout).toBe(
    [
      'namespace               guest',
      'packages                0',
      'actions                 1',
      'triggers                2',
      'rules                   3',
      'code on disk            512 B of 1 KiB',
      'records on disk         2.9 MiB of 4 GiB',
      'invocations per minute  60',
      'code quota              1 KiB',
      '',
    ].join('\n'),
  );
});

test('list shows all content of a namespace', async () => {
  const entity = (name: string, more = {}) => ({ namespace: 'guest', name, version: '0.0.1', ...more });
  api.answers.set(`GET ${packagesUrl}`, { body: [entity('tools', { publish: true })] });
  api.answers.set(`GET ${actionsUrl}`, { body: [action] });
  api.answers.set(`GET ${triggersUrl}`, { body: [] });
  api.answers.set(`GET ${rulesUrl}`, {
    body: [
      entity('greet', { trigger: { path: 'guest', name: 't' }, action: { path: 'guest/pack', name: 'a' } }),
    ],
  });
  const { stdout } = await ward(['list']);
  expect(stdout.split('\n').map((line) => line.trim().split(/ {2,}/).slice(0, 3))).toEqual([
    ['TYPE', 'NAME', 'WHAT'],
    ['package', 'tools', 'shared'],
    ['action', 'hello', 'nodejs:24'],
    ['rule', 'greet', 't → pack/a'],
    [''],
  ]);
  expect((await ward(['list', '-o', 'name'])).stdout).toBe('package/tools\naction/hello\nrule/greet\n');
  expect(Object.keys(JSON.parse((await ward(['list', '-o', 'json'])).stdout))).toEqual([
    ...['packages', 'actions', 'triggers', 'rules'],
  ]);
  expect(asked(api)[0]).toBe(`GET ${packagesUrl}?limit=0&skip=0`);
});

test('property set, get and unset work on .wskprops, and the key is shown only on request', async () => {
  await using own = await makeHome();
  const run = (...args: string[]) => runWard(['property', ...args], { home: own });
  expect((await run('set', '--apihost', 'ward.example.org', '--auth', stubKey)).code).toBe(0);
  expect((await stat(join(own.path, '.wskprops'))).mode & 0o777).toBe(0o600);
  const { stdout } = await run('get');
  expect(stdout).toContain('https://ward.example.org');
  expect(stdout).toContain(join(own.path, '.wskprops'));
  expect(stdout).not.toContain('secret');
  expect((await run('get', '--auth')).stdout).toBe(`${stubKey}\n`);
  expect((await run('set', '--apihost', 'ftp://x')).code).toBe(2);
  expect((await run('set')).code).toBe(2);
  expect((await run('unset', '--auth', '--apihost')).code).toBe(0);
  expect((await run('get')).stdout).toContain('http://127.0.0.1:3233');
});

test('without a key nothing is sent', async () => {
  const outcome = await runWard(['action', 'list', '--apihost', api.url], { home });
  expect(outcome.code).toBe(4);
  expect(outcome.stderr).toMatch(/^error\[NO_KEY\]: .*\ntry: {3}ward property set/);
  expect(api.requests).toEqual([]);
});

test('-v traces requests, answers and their headers, but never the key', async () => {
  api.answers.set(`GET ${actionsUrl}`, { body: [] });
  const list = await ward(['-v', 'action', 'list']);
  expect(list.stderr).toMatch(/^> GET http.*\n> Authorization: \[redacted\]\n> Accept: application\/json\n/);
  expect(list.stderr).toMatch(/\n< 200\n< content-type: application\/json\n(?:< .*\n)*< \[\]\n$/);
  // A feed gets the key, so a body contains it, too.
  api.answers.set(`PUT ${triggersUrl}/t`, { body: {} });
  api.answers.set(`POST ${actionsUrl}/feed`, { body: record });
  const create = await ward(['trigger', 'create', 't', '--feed', 'feed', '-v']);
  expect(create.code).toBe(0);
  expect(create.stderr).toContain('"authKey":"a0000000-0000-4000-8000-000000000000:[redacted]"');
  expect(list.stderr + create.stderr).not.toContain('secret');
  expect(list.stderr + create.stderr).not.toContain(Buffer.from(stubKey).toString('base64'));
});

test('property get shows the version and build of the server', async () => {
  api.answers.set('GET /api/v1', { body: { build: 'ward-1', buildno: '1' } });
  expect((await ward(['property', 'get', '--apibuild', '--apibuildno'])).stdout).toBe('ward-1\n1\n');
  expect(api.requests[0]?.authorization).toBeUndefined();
  expect((await ward(['property', 'get', '--all'])).stdout).toMatch(/\napibuild +ward-1 /);
  expect((await ward(['property', 'get', '--apiversion'])).stdout).toBe('v1\n');
});

test('a throttled request reports when to try again', async () => {
  api.answers.set(`GET ${actionsUrl}`, {
    status: 429,
    headers: { 'Retry-After': '17' },
    body: { error: 'too many' },
  });
  const { code, stderr } = await ward(['action', 'list']);
  expect(code).toBe(7);
  expect(stderr).toContain('try:   try again in 17 s');
});

test('a server that does not answer, and one that is not Ward', async () => {
  const gone = await startStubApi();
  await gone[Symbol.asyncDispose]();
  const unreachable = await ward(['action', 'list', '--apihost', gone.url]);
  expect(unreachable).toMatchObject({ code: 6, stdout: '' });
  expect(unreachable.stderr).toMatch(/^error\[SERVER_UNREACHABLE\]: .*\nwhy: .*\ntry: .*ward up/);
  api.answers.set(`GET ${actionsUrl}`, { text: '<html>\u001b[2Jhello' });
  const page = await ward(['action', 'list']);
  expect(page.code).toBe(6);
  expect(page.stderr).toContain('<html>\\x1b[2Jhello');
});

test('usage errors are labelled, on stderr, with exit code 2', async () => {
  const { code, stdout, stderr } = await ward(['action', 'lst']);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toBe(
    "error[USAGE]: unknown command 'lst'\ntry:   did you mean ward action list? ward action --help shows all\n",
  );
});

test('prints colours only when forced, or on a terminal', async () => {
  const run = (more: Record<string, string>) =>
    runWard(['action', 'lst'], { home, env: { ...settings, ...more } });
  expect((await run({})).stderr).not.toContain('\u001b[');
  expect((await run({ FORCE_COLOR: '1' })).stderr).toContain('\u001b[');
  expect((await run({ FORCE_COLOR: '1', NO_COLOR: '1' })).stderr).not.toContain('\u001b[');
});

test('an unknown shell is refused', async () => {
  expect((await ward(['completion', 'tcsh'])).code).toBe(2);
});
