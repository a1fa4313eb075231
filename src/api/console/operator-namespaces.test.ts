/** Operators manage namespaces over the API: what they send is checked, and the audit log names them. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newOperatorLogin } from '../../functions/index.ts';
import { startApi, type TestApi } from '../api.fixture.ts';

const own = { 'x-ward-console': '1', 'sec-fetch-site': 'same-origin' };
const root = '/ward/v1/operator/namespaces';
let api: TestApi;
let cookie: string;

beforeAll(async () => {
  api = await startApi({ console: true });
  const { login } = await newOperatorLogin(api.store.sessions);
  const begun = await api.app.inject({
    method: 'POST',
    url: '/console/session',
    headers: own,
    payload: { login },
  });
  cookie = String(begun.headers['set-cookie']).split(';')[0] ?? '';
});
afterAll(() => api[Symbol.asyncDispose]());

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

async function ask(method: Method, url: string, payload?: object) {
  const answer = await api.app.inject({
    ...{ method, url: root + url, headers: { ...own, cookie } },
    ...(payload === undefined ? {} : { payload }),
  });
  return { status: answer.statusCode, body: answer.payload === '' ? undefined : answer.json() };
}

test('a namespace is created, gets limits and keys, and is deleted', async () => {
  const created = await ask('POST', '', { name: 'acme' });
  expect(created).toMatchObject({ status: 201, body: { name: 'acme', key: expect.stringContaining(':') } });
  expect(await ask('POST', '', { name: 'acme' })).toMatchObject({ status: 409 });

  expect(await ask('PUT', '/acme/limits', { invocationsPerMinute: 7 })).toMatchObject({
    ...{ status: 200, body: { limits: { invocationsPerMinute: 7 }, own: { invocationsPerMinute: 7 } } },
  });
  expect(await ask('PUT', '/acme/limits', { invocationsPerMinute: null })).toMatchObject({
    body: { own: {} },
  });

  const key = await ask('POST', '/acme/keys', { scope: 'read', label: '<img src=x>' });
  expect(key).toMatchObject({ status: 201, body: { scope: 'read', key: expect.stringContaining(':') } });
  const shown = await ask('GET', '/acme');
  expect(shown).toMatchObject({
    status: 200,
    body: { name: 'acme', usage: { code: { used: 0 } }, keys: [{ isFirst: true }, { label: '<img src=x>' }] },
  });
  const [, secret = ''] = key.body.key.split(':');
  expect(JSON.stringify(shown.body)).not.toContain(secret);
  expect(await ask('DELETE', `/acme/keys/${key.body.keyId}`)).toEqual({ status: 204, body: undefined });
  expect(await ask('DELETE', `/acme/keys/${key.body.keyId}`)).toMatchObject({ status: 404 });

  expect(await ask('DELETE', '/acme')).toEqual({ status: 204, body: undefined });
  expect(await ask('GET', '/acme')).toMatchObject({ status: 404 });
  expect(await ask('DELETE', '/acme')).toMatchObject({ status: 404 });
});

test.each<[Method, string, object | undefined]>([
  ['POST', '', undefined],
  ['POST', '', { name: 1 }],
  ['POST', '', { name: '../etc' }],
  ['POST', '/guest/keys', { scope: 'everything' }],
  ['POST', '/guest/keys', { scope: 'read', expiresAt: 5 }],
  ['POST', '/guest/keys', { scope: 'read', more: true }],
  ['PUT', '/guest/limits', { invocationsPerMinute: -1 }],
  ['PUT', '/guest/limits', { invocationsPerMinute: '7' }],
  ['PUT', '/guest/limits', { sandbox: { allow: { network: true } } }],
])('%s %s with %j is refused', async (method, url, body) => {
  const before = await ask('GET', '/guest');
  expect(await ask(method, url, body)).toMatchObject({ status: 400 });
  expect((await ask('GET', '/guest')).body).toEqual(before.body);
});

/** A person has logged in, and has a key. */
async function logIn(namespace: string, name: string): Promise<string> {
  const keyId = randomUUID();
  await api.store.keys.create(
    {
      ...{ keyId, namespace, keyHash: '0'.repeat(64), scope: 'read', label: 'login: a', maker: null },
      ...{ createdAt: 1, expiresAt: null, person: `person of ${name}` },
    },
    { name, role: 'viewer' },
  );
  return keyId;
}

test('members of a namespace are listed and logged out, there only', async () => {
  const name = '<img src=x> of https://login.example';
  for (const namespace of ['acme', 'other']) {
    await ask('POST', '', { name: namespace });
    await logIn(namespace, name);
  }
  const [member, ...others] = (await ask('GET', '/acme/members')).body;
  expect(others).toEqual([]);
  expect(member).toMatchObject({ id: `person of ${name}`, name, role: 'viewer', keys: 1 });
  const logins = (namespace: string, id: string) => `/${namespace}/members/${encodeURIComponent(id)}/logins`;
  expect(await ask('DELETE', logins('acme', member.id))).toEqual({ status: 200, body: { ended: 1 } });
  expect((await ask('GET', '/acme/members')).body).toMatchObject([{ name, keys: 0 }]);
  expect((await ask('GET', '/other/members')).body).toMatchObject([{ name, keys: 1 }]);
  expect(await ask('DELETE', logins('acme', 'nobody'))).toMatchObject({ status: 404 });
  expect(await ask('GET', '/absent/members')).toMatchObject({ status: 404 });
  const entries = (await api.store.unsealed.read(1000)).map(({ entry }) => entry);
  expect(entries).toContainEqual(
    expect.objectContaining({
      ...{ event: 'log-out-member', name: `/acme/${name}`, namespace: 'acme' },
      actor: 'operator by console',
    }),
  );
  for (const namespace of ['acme', 'other']) await ask('DELETE', `/${namespace}`);
});

test('each change has its entry, which names the operator and the address', async () => {
  await ask('POST', '', { name: 'audited' });
  await ask('PUT', '/audited/limits', { firesPerMinute: 3 });
  const { keyId } = (await ask('POST', '/audited/keys', { scope: 'read' })).body;
  await ask('DELETE', `/audited/keys/${keyId}`);
  await ask('DELETE', '/audited');
  const entries = (await api.store.unsealed.read(1000)).map(({ entry }) => entry);
  const ours = entries.filter(({ name }) => String(name).startsWith('/audited'));
  expect(ours.map(({ event, name }) => `${event} ${name}`)).toEqual([
    'create-namespace /audited',
    'set-limits /audited',
    `create-key /audited/${keyId}`,
    `delete-key /audited/${keyId}`,
    'delete-namespace /audited',
  ]);
  for (const entry of ours)
    expect(entry).toMatchObject({
      actor: 'operator by console',
      from: '127.0.0.1',
      request: expect.any(String),
    });
});
