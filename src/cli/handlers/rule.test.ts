/** `ward rule`, against a stand-in for the API. */
import { afterAll, beforeEach, expect, test } from 'vitest';
import { asked, activationId as id, rulesUrl, startBench } from '../cli.fixture.ts';

const bench = await startBench();
const { api, ward } = bench;
afterAll(() => bench[Symbol.asyncDispose]());
beforeEach(() => {
  api.requests.length = 0;
  api.answers.clear();
});

const url = `${rulesUrl}/greet`;
const lettersUrl = '/ward/v1/namespaces/_/dead-letters';
const rule = {
  namespace: 'guest',
  name: 'greet',
  version: '0.0.1',
  status: 'active',
  trigger: { path: 'guest', name: 'arrived' },
  action: { path: 'guest/pack', name: 'hello' },
  annotations: [],
};
const letter = {
  id: 'letter-1',
  rule: 'greet',
  trigger: 'arrived',
  action: 'pack/hello',
  attempts: 3,
  error: 'no luck',
  activationId: id,
  createdAt: 1_767_261_600_000,
  failedAt: 1_767_261_700_000,
};

test('create and update link a trigger and an action by their full names', async () => {
  api.answers.set(`PUT ${url}`, { body: rule });
  expect((await ward(['rule', 'create', 'greet', 'arrived', 'pack/hello'])).stderr).toBe(
    'ok: created rule greet\n',
  );
  await ward(['rule', 'update', 'greet', '/_/arrived', '/other/pack/hello', '-a', 'retry', '{"attempts":3}']);
  expect(api.requests).toMatchObject([
    {
      url: `${url}?overwrite=false`,
      body: { name: 'greet', trigger: '/_/arrived', action: '/_/pack/hello' },
    },
    {
      url: `${url}?overwrite=true`,
      body: {
        trigger: '/_/arrived',
        action: '/other/pack/hello',
        annotations: [{ key: 'retry', value: { attempts: 3 } }],
      },
    },
  ]);
});

test('enable, disable and status', async () => {
  api.answers.set(`POST ${url}`, { body: rule });
  api.answers.set(`GET ${url}`, { body: rule });
  await ward(['rule', 'enable', 'greet']);
  await ward(['rule', 'disable', 'greet']);
  expect(api.requests.map(({ body }) => body)).toEqual([{ status: 'active' }, { status: 'inactive' }]);
  expect((await ward(['rule', 'status', 'greet'])).stdout).toBe('active\n');
});

test('get shows the record, or a summary of two lines', async () => {
  api.answers.set(`GET ${url}`, { body: rule });
  expect((await ward(['rule', 'get', 'greet'])).stdout).toMatch(/\ntrigger +arrived\naction +pack\/hello\n/);
  expect((await ward(['rule', 'get', 'greet', '-s'])).stdout).toBe(
    'rule /guest/greet: arrived → pack/hello\n   (status: active)\n',
  );
});

test('list asks each rule for its status', async () => {
  const { status: _, ...summary } = rule;
  api.answers.set(`GET ${rulesUrl}`, { body: [summary, { ...summary, name: 'gone' }] });
  api.answers.set(`GET ${url}`, { body: { ...rule, status: 'inactive' } });
  const { code, stdout } = await ward(['rule', 'list']);
  expect(code).toBe(0);
  expect(stdout).toMatch(/\ngreet +inactive +arrived +pack\/hello/);
  expect(stdout).toMatch(/\ngone +arrived/);
});

test('delete, after disabling the rule on request', async () => {
  api.answers.set(`POST ${url}`, { body: rule });
  api.answers.set(`DELETE ${url}`, { body: rule });
  await ward(['rule', 'delete', 'greet', '--disable']);
  expect(asked(api)).toEqual([`POST ${url}`, `DELETE ${url}`]);
});

test('lists dead letters of all rules, or of one', async () => {
  api.answers.set(`GET ${lettersUrl}`, { body: [letter] });
  expect((await ward(['rule', 'dead-letters', 'greet', '-l', '5'])).stdout).toMatch(
    /\n.* letter-1 +greet +pack\/hello +3 +no luck\n/,
  );
  expect((await ward(['rule', 'dead-letters', '-o', 'name'])).stdout).toBe('letter-1\n');
  expect(asked(api)).toEqual([
    `GET ${lettersUrl}?rule=greet&limit=5&skip=0`,
    `GET ${lettersUrl}?limit=30&skip=0`,
  ]);
});

test('replays one dead letter, or all of a rule', async () => {
  const many = Array.from({ length: 200 }, (_, at) => ({ ...letter, id: `l${at}` }));
  api.answers.set(`GET ${lettersUrl}`, (_, count) => ({ body: count === 1 ? many : [letter] }));
  for (const { id: letterId } of [...many, letter])
    api.answers.set(`POST ${lettersUrl}/${letterId}/replay`, { status: 202, body: { activationId: id } });
  expect((await ward(['rule', 'replay', 'greet', 'letter-1'])).stdout).toBe(`${id}\n`);
  expect(asked(api)).toEqual([`POST ${lettersUrl}/letter-1/replay`]);
  api.requests.length = 0;
  expect((await ward(['rule', 'replay', 'greet'])).stdout.trimEnd().split('\n')).toHaveLength(201);
  expect(asked(api).slice(0, 2)).toEqual([
    `GET ${lettersUrl}?rule=greet&limit=200&skip=0`,
    `GET ${lettersUrl}?rule=greet&limit=200&skip=200`,
  ]);
});

test('discard deletes them', async () => {
  api.answers.set(`GET ${lettersUrl}`, { body: [letter] });
  api.answers.set(`DELETE ${lettersUrl}/letter-1`, { status: 204, text: '' });
  expect((await ward(['rule', 'discard', 'greet'])).stderr).toBe(
    'ok: discarded 1 dead letter of rule greet\n',
  );
});
