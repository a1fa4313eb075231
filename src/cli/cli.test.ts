/** The command line as a process, against a stand-in for the API (cli.fixture.ts); test/ has the real one. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { actionsUrl, makeHome, runWard, startBench, startStubApi, stubKey } from './cli.fixture.ts';

const bench = await startBench();
const { api, home, ward } = bench;
afterAll(() => bench[Symbol.asyncDispose]());
beforeEach(() => {
  api.requests.length = 0;
  api.answers.clear();
});

test('namespace list and get', async () => {
  api.answers.set('GET /api/v1/namespaces', { body: ['guest'] });
  api.answers.set('GET /api/v1/namespaces/_/limits', { body: { invocationsPerMinute: 60 } });
  api.answers.set(`GET ${actionsUrl}`, { body: { actions: 3 } });
  expect((await ward(['namespace', 'list'])).stdout).toBe('NAMESPACE\nguest\n');
  expect((await ward(['namespace', 'get'])).stdout).toBe(
    'namespace               guest\nactions                 3\ninvocations per minute  60\n',
  );
});

test('property set, get and unset work on .wskprops, and the key is shown only when asked for', async () => {
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

test('-v traces requests without the key', async () => {
  api.answers.set(`GET ${actionsUrl}`, { body: [] });
  const { stderr } = await ward(['-v', 'action', 'list']);
  expect(stderr).toMatch(/^> GET http.*\n< 200 \[\]\n$/);
  expect(stderr).not.toContain('secret');
});

test('a server that is not there, and one that is something else', async () => {
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
    "error[USAGE]: unknown command 'lst'\ntry:   ward action list, or ward action --help\n",
  );
});

test('colours only when forced, or on a terminal', async () => {
  const env = { WARD_APIHOST: api.url, WARD_AUTH: stubKey };
  const run = (more: Record<string, string>) =>
    runWard(['action', 'lst'], { home, env: { ...env, ...more } });
  expect((await run({})).stderr).not.toContain('\u001b[');
  expect((await run({ FORCE_COLOR: '1' })).stderr).toContain('\u001b[');
  expect((await run({ FORCE_COLOR: '1', NO_COLOR: '1' })).stderr).not.toContain('\u001b[');
});

test.each(['bash', 'zsh', 'fish'])('the %s completion knows every command', async (shell) => {
  const { code, stdout } = await ward(['completion', shell]);
  expect(code).toBe(0);
  for (const word of ['activation', 'rotate-key', 'doctor', 'explain']) expect(stdout).toContain(word);
});

test('an unknown shell is refused', async () => {
  expect((await ward(['completion', 'tcsh'])).code).toBe(2);
});
