/** `ward package`, against a stand-in for the API. */
import { afterAll, beforeEach, expect, test } from 'vitest';
import { asked, packagesUrl, startBench } from '../cli.fixture.ts';

const bench = await startBench();
const { api, ward } = bench;
afterAll(() => bench[Symbol.asyncDispose]());
beforeEach(() => {
  api.requests.length = 0;
  api.answers.clear();
});

const tools = {
  namespace: 'guest',
  name: 'tools',
  version: '0.0.1',
  publish: true,
  binding: {},
  updated: 1_767_261_600_000,
  parameters: [{ key: 'region', value: 'eu' }],
  annotations: [{ key: 'description', value: 'what is needed everywhere' }],
  actions: [{ name: 'shout', version: '0.0.1', annotations: [{ key: 'description', value: 'louder' }] }],
  feeds: [{ name: 'clock', version: '0.0.1', annotations: [{ key: 'feed', value: true }] }],
};

test('create and update send only the given options', async () => {
  api.answers.set(`PUT ${packagesUrl}/tools`, { body: tools });
  const created = await ward([
    'package',
    'create',
    'tools',
    '-p',
    'region',
    'eu',
    '-a',
    'x',
    '1',
    '--shared',
    'yes',
  ]);
  expect(created).toMatchObject({ code: 0, stdout: '', stderr: 'ok: created package tools\n' });
  await ward(['package', 'update', '/_/tools', '--shared', 'no']);
  expect(api.requests).toMatchObject([
    {
      url: `${packagesUrl}/tools?overwrite=false`,
      body: {
        namespace: '_',
        name: 'tools',
        publish: true,
        parameters: [{ key: 'region', value: 'eu' }],
        annotations: [{ key: 'x', value: 1 }],
      },
    },
    { url: `${packagesUrl}/tools?overwrite=true`, body: { publish: false } },
  ]);
  expect(api.requests[1]?.body).not.toHaveProperty('parameters');
  expect((await ward(['package', 'create', 'tools', '--shared', 'perhaps'])).code).toBe(2);
  expect((await ward(['package', 'create', 'a/b'])).code).toBe(2);
});

test('bind names the package and its namespace', async () => {
  api.answers.set(`PUT ${packagesUrl}/mine`, { body: tools });
  expect((await ward(['package', 'bind', '/other/tools', 'mine', '-p', 'a', '1'])).code).toBe(0);
  expect(api.requests[0]).toMatchObject({
    url: `${packagesUrl}/mine?overwrite=false`,
    body: { binding: { namespace: 'other', name: 'tools' }, parameters: [{ key: 'a', value: 1 }] },
  });
});

test('get shows the record, a field, or a summary', async () => {
  api.answers.set(`GET ${packagesUrl}/tools`, { body: tools });
  const { stdout } = await ward(['package', 'get', 'tools']);
  expect(stdout).toMatch(/\nshared +yes\n/);
  expect(stdout).toMatch(/\nactions +shout\nfeeds +clock\nparameters +region=eu\n/);
  expect(JSON.parse((await ward(['package', 'get', 'tools', 'publish'])).stdout)).toBe(true);
  expect((await ward(['package', 'get', 'tools', '--summary'])).stdout).toBe(
    [
      'package /guest/tools: what is needed everywhere',
      '   (parameters: *region)',
      ' action /guest/tools/shout: louder',
      '   (parameters: none defined)',
      ' feed /guest/tools/clock',
      '   (parameters: none defined)',
      '',
    ].join('\n'),
  );
});

test('list shows which packages are shared or bound', async () => {
  const bound = { ...tools, name: 'mine', publish: false, binding: { namespace: 'other', name: 'tools' } };
  api.answers.set('GET /api/v1/namespaces/acme/packages', { body: [tools, bound] });
  const { stdout } = await ward(['package', 'list', '/acme', '-n']);
  expect(stdout).toMatch(
    /^NAME +VERSION +SHARED +BOUND TO +UPDATED\nmine +0\.0\.1 +no +\/other\/tools .*\ntools +0\.0\.1 +yes /,
  );
});

test('delete, also with all content', async () => {
  api.answers.set(`DELETE ${packagesUrl}/tools`, { body: tools });
  await ward(['package', 'delete', 'tools']);
  await ward(['package', 'delete', 'tools', '--recursive']);
  expect(asked(api)).toEqual([`DELETE ${packagesUrl}/tools`, `DELETE ${packagesUrl}/tools?force=true`]);
});

test('create of an existing package suggests update', async () => {
  api.answers.set(`PUT ${packagesUrl}/tools`, { status: 409, body: { error: 'resource already exists' } });
  const { code, stderr } = await ward(['package', 'create', 'tools']);
  expect(code).toBe(1);
  expect(stderr).toContain('try:   ward package update changes what exists');
});
