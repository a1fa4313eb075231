/** `ward completion --names`, against a stand-in for the API. */
import { afterAll, beforeEach, expect, test } from 'vitest';
import { action, actionsUrl, asked, makeHome, runWard, startBench } from '../cli.fixture.ts';

const bench = await startBench();
const { api, ward } = bench;
afterAll(() => bench[Symbol.asyncDispose]());
beforeEach(() => {
  api.requests.length = 0;
  api.answers.clear();
});

test('names come from the server, without those that a shell or a command would misread', async () => {
  const named = (name: string, namespace = 'guest') => ({ ...action, name, namespace });
  const body = [
    named('hello'),
    named('shout', 'guest/tools'),
    named('a b'),
    named('$(reboot)'),
    named('--config=x'),
    named('x\ny'),
  ];
  api.answers.set(`GET ${actionsUrl}`, { body });
  expect(await ward(['completion', '--names', 'action'])).toMatchObject({
    code: 0,
    stdout: 'hello\ntools/shout\n',
    stderr: '',
  });
  expect(asked(api)).toEqual([`GET ${actionsUrl}?limit=0&skip=0`]);
});

test('without a shell, it names those that it knows', async () => {
  expect(await ward(['completion'])).toMatchObject({
    code: 2,
    stderr: 'error[USAGE]: name a shell\ntry:   shells: bash, zsh, fish\n',
  });
});

test('kinds are those that the server runs', async () => {
  const runtimes = {
    nodejs: [{ kind: 'nodejs:22' }, { kind: 'nodejs:24' }],
    python: [{ kind: 'python:3.13' }],
  };
  api.answers.set('GET /', { body: { runtimes } });
  expect((await ward(['completion', '--names', 'kind'])).stdout).toBe('nodejs:22\nnodejs:24\npython:3.13\n');
});

test('prints nothing when the server is unreachable or refuses, or when no key is set', async () => {
  const silent = { code: 0, stdout: '', stderr: '' };
  expect(await ward(['completion', '--names', 'rule'])).toMatchObject(silent);
  await using home = await makeHome();
  const env = { WARD_APIHOST: api.url };
  expect(await runWard(['completion', '--names', 'action'], { home, env })).toMatchObject(silent);
  const gone = { WARD_APIHOST: 'http://127.0.0.1:1', WARD_AUTH: 'a0000000-0000-4000-8000-000000000000:x' };
  expect(await runWard(['completion', '--names', 'kind'], { home, env: gone })).toMatchObject(silent);
});
