/** Keys that admins of a namespace make, and what no one gets by them: an attack on each way to more rights. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Identity, LoginGrant } from '../../functions/index.ts';
import { createTokens } from '../../oidc/index.ts';
import { audience, issuer, keySet, newKey, sign } from '../../oidc/tokens.fixture.ts';
import { basic, startApi, type TestApi } from '../api.fixture.ts';

const signer = newKey('first');
const issuerKeys = { keys: () => keySet(signer), newerKeys: async () => undefined };
const grants: readonly LoginGrant[] = (['viewer', 'deployer', 'developer', 'admin'] as const).flatMap(
  (role) => ['guest', 'other'].map((namespace) => ({ claims: { groups: [`${role}s`] }, namespace, role })),
);
const minuteMs = 60_000;

let api: TestApi;
let otherKey: string;

beforeAll(async () => {
  const login = { issuer, client: undefined, console: undefined, keyMs: 10 * minuteMs };
  api = await startApi({
    console: true,
    logins: { tokens: createTokens({ issuerKeys }), logins: [{ ...login, audiences: [audience], grants }] },
  });
  otherKey = await api.functions.namespaces.create('other');
});
afterAll(() => api?.[Symbol.asyncDispose]());

type Method = 'GET' | 'POST' | 'DELETE' | 'PUT';

async function ask(
  authorization: string | undefined,
  method: Method,
  url: string,
  payload?: object,
  more: Readonly<Record<string, string>> = {},
) {
  const headers = {
    ...(authorization === undefined ? {} : { authorization: basic(authorization) }),
    ...more,
  };
  const answer = await api.app.inject({
    method,
    url,
    headers,
    ...(payload === undefined ? {} : { payload }),
  });
  return {
    status: answer.statusCode,
    fault: answer.headers['x-ward-fault'],
    headers: answer.headers,
    body: answer.payload === '' ? undefined : answer.json(),
  };
}

const make = (key: string | undefined, body: object, more?: Readonly<Record<string, string>>) =>
  ask(key, 'POST', '/ward/v1/keys', body, more);
/** @throws when it is refused */
async function made(key: string, body: object): Promise<{ key: string; keyId: string }> {
  const { status, body: answer } = await make(key, body);
  expect(status).toBe(201);
  return answer;
}

let count = 0;
async function logIn(role: LoginGrant['role'], namespace = 'guest', claims: object = {}): Promise<string> {
  const exp = Math.floor(Date.now() / 1000) + 300;
  const token = await sign(signer, { exp, jti: `${++count}`, sub: role, groups: [`${role}s`], ...claims });
  const form = {
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    ...{
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      subject_token: token,
      audience: namespace,
    },
  };
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  const payload = new URLSearchParams(form).toString();
  const answer = await api.app.inject({ method: 'POST', url: '/ward/v1/token', headers, payload });
  if (answer.statusCode !== 200) throw new Error(String(answer.headers['x-ward-fault']));
  return answer.json().access_token;
}

const works = async (key: string) => (await ask(key, 'GET', '/api/v1/namespaces')).status === 200;
const idOf = (key: string) => key.split(':')[0] ?? '';
const list = async (key: string) => (await ask(key, 'GET', '/ward/v1/keys')).body;

describe('the first key of a namespace, and a person with the role admin,', () => {
  test.each(['the first key', 'a person'])('make, list and delete keys: %s', async (who) => {
    const maker = who === 'a person' ? await logIn('admin') : api.key;
    const end = Date.now() + minuteMs;
    const answer = await make(maker, { scope: 'invoke', label: 'shop', expiresAt: end });
    expect(answer).toMatchObject({ status: 201, headers: { 'cache-control': 'no-store' } });
    const name = who === 'a person' ? `admin of ${issuer}` : `guest ${idOf(maker)}`;
    const { key, ...told } = answer.body;
    expect(told).toMatchObject({ scope: 'invoke', label: 'shop', expiresAt: end, maker: name });
    expect(await list(maker)).toContainEqual({ ...told });
    expect(JSON.stringify(await list(maker))).not.toContain(key.split(':')[1]);
    expect((await ask(key, 'GET', '/api/v1/namespaces/_/actions')).status).toBe(403);
    expect((await ask(maker, 'DELETE', `/ward/v1/keys/${told.keyId}`)).status).toBe(204);
    expect(await works(key)).toBe(false);
    expect((await ask(maker, 'DELETE', `/ward/v1/keys/${told.keyId}`)).status).toBe(404);
  });

  test('the audit log has the change, with the key that made it', async () => {
    const { keyId } = await made(api.key, { scope: 'read' });
    await ask(api.key, 'DELETE', `/ward/v1/keys/${keyId}`);
    const entries = (await api.store.unsealed.read(1000)).map(({ entry }) => entry);
    const mine = entries.filter(({ name }) => name === `/guest/${keyId}`);
    expect(mine).toMatchObject([
      { event: 'create-key', actor: `guest ${idOf(api.key)}`, namespace: 'guest' },
      { event: 'delete-key', actor: `guest ${idOf(api.key)}`, namespace: 'guest' },
    ]);
  });

  test('a key outlives its maker, and still says who that was', async () => {
    const admin = await logIn('admin');
    const stays = await made(admin, { scope: 'read', label: 'stays' });
    await ask(admin, 'DELETE', '/ward/v1/token?everywhere=true');
    expect(await works(admin)).toBe(false);
    expect(await works(stays.key)).toBe(true);
    const found = (await list(api.key)).find(({ keyId }: { keyId: string }) => keyId === stays.keyId);
    expect(found).toMatchObject({ maker: `admin of ${issuer}`, isOfLogin: false, expiresAt: null });
  });
});

describe('no one gets more rights:', () => {
  const narrow = ['full', 'deploy', 'invoke', 'read'] as const;

  test.each(narrow)('a key of the scope %s does nothing of an admin', async (scope) => {
    const { key, keyId } = await made(api.key, { scope });
    const before = await list(api.key);
    for (const [method, path] of [
      ['POST', 'keys'],
      ['GET', 'keys'],
      ['DELETE', `keys/${keyId}`],
      ['GET', 'members'],
      ['DELETE', 'members/x/logins'],
    ] as const) {
      const body = method === 'POST' ? { scope: 'read' } : undefined;
      expect(await ask(key, method, `/ward/v1/${path}`, body)).toMatchObject({
        ...{ status: 403, fault: 'NOT_AUTHORIZED' },
      });
    }
    expect(await list(api.key)).toEqual(before);
  });

  test.each(['viewer', 'deployer', 'developer'] as const)('a %s does not either', async (role) => {
    expect(await make(await logIn(role), { scope: 'read' })).toMatchObject({ status: 403 });
    expect(await ask(await logIn(role), 'GET', '/ward/v1/members')).toMatchObject({ status: 403 });
  });

  // The route lets in admins only, whose scope is the widest. What makes the key does not rely on that.
  test.each([
    ['read', 'invoke'],
    ['invoke', 'read'],
    ['deploy', 'full'],
    ['full', 'admin'],
  ] as const)('a maker of the scope %s gets none of the scope %s', async (own, wider) => {
    const { keyId } = await made(api.key, { scope: own });
    const maker = (await api.functions.namespaces.ownerOf(keyId)) as Identity;
    const before = await list(api.key);
    const asked = api.functions.namespaces.createKeyBy(maker, { scope: wider });
    await expect(asked).rejects.toMatchObject({ code: 'KEY_TOO_WIDE', kind: 'denied' });
    expect(await list(api.key)).toEqual(before);
  });

  test('a key that ends makes none that ends later', async () => {
    const end = Date.now() + minuteMs;
    const short = await made(api.key, { scope: 'admin', expiresAt: end });
    for (const expiresAt of [null, end + 1])
      expect(await make(short.key, { scope: 'read', expiresAt })).toMatchObject({
        ...{ status: 403, fault: 'KEY_TOO_WIDE' },
      });
    expect((await make(short.key, { scope: 'read' })).body).toMatchObject({ expiresAt: end });
    expect((await make(short.key, { scope: 'admin', expiresAt: end - 1 })).status).toBe(201);
  });

  test.each([
    ['an expired key', { expiresAt: true }],
    ['a deleted key', {}],
  ])('%s makes none', async (_what, { expiresAt }: { expiresAt?: boolean }) => {
    const end = Date.now() + 300;
    const maker = await made(api.key, { scope: 'admin', ...(expiresAt && { expiresAt: end }) });
    const identity = (await api.functions.namespaces.ownerOf(maker.keyId)) as Identity;
    if (expiresAt) while (Date.now() <= end) await new Promise(setImmediate);
    else await ask(api.key, 'DELETE', `/ward/v1/keys/${maker.keyId}`);
    const before = await list(api.key);
    expect(await make(maker.key, { scope: 'read' })).toMatchObject({ status: 401 });
    // A request that had been let in a moment before.
    const asked = api.functions.namespaces.createKeyBy(identity, { scope: 'read' });
    await expect(asked).rejects.toThrow();
    expect(await list(api.key)).toEqual(before);
  });

  test('a maker that is deleted while it makes one leaves none', async () => {
    const maker = await made(api.key, { scope: 'admin' });
    const identity = (await api.functions.namespaces.ownerOf(maker.keyId)) as Identity;
    const { keys } = api.store;
    const before = (await list(api.key)).filter(({ keyId }: { keyId: string }) => keyId !== maker.keyId);
    const create = keys.create.bind(keys);
    Object.assign(keys, {
      async create(...args: Parameters<typeof create>) {
        await create(...args);
        await keys.delete('guest', maker.keyId);
      },
    });
    const asked = api.functions.namespaces.createKeyBy(identity, { scope: 'read' });
    await expect(asked).rejects.toMatchObject({ code: 'AUTHENTICATION_INVALID' });
    Object.assign(keys, { create });
    expect(await list(api.key)).toEqual(before);
  });

  test('keys and members of other namespaces are out of reach', async () => {
    const theirs = await made(otherKey, { scope: 'read' });
    const admin = await logIn('admin');
    for (const key of [api.key, admin]) {
      expect((await ask(key, 'DELETE', `/ward/v1/keys/${theirs.keyId}`)).status).toBe(404);
      expect((await ask(key, 'DELETE', `/ward/v1/keys/${idOf(otherKey)}`)).status).toBe(404);
      expect(JSON.stringify(await list(key))).not.toContain(theirs.keyId);
      for (const path of ['keys', 'limits']) {
        const url = `/ward/v1/operator/namespaces/guest/${path}`;
        const body = path === 'keys' ? { scope: 'read' } : { invocationsPerMinute: 9 };
        expect((await ask(key, path === 'keys' ? 'POST' : 'PUT', url, body)).status).toBe(401);
      }
    }
    expect(await works(theirs.key)).toBe(true);
    expect((await make(api.key, { scope: 'read', namespace: 'other' })).status).toBe(400);
  });

  test.each([
    [{ scope: 'root' }],
    [{ scope: 'none' }],
    [{ scope: ['full'] }],
    [{ scope: 'read', label: 'login: mallory' }],
    [{ scope: 'read', maker: 'operator' }],
    [{ scope: 'read', login: { person: 'x', role: 'admin' } }],
    [{ scope: 'read', expiresAt: 1 }],
    [{}],
  ])('the body %j is refused', async (body) => {
    expect(await make(api.key, body)).toMatchObject({ status: 400 });
  });

  test('the first key is not deleted', async () => {
    const url = `/ward/v1/keys/${idOf(api.key)}`;
    expect(await ask(await logIn('admin'), 'DELETE', url)).toMatchObject({ fault: 'KEY_INVALID' });
  });

  test('a page of another site makes none with the browser’s session', async () => {
    const own = { 'x-ward-console': '1', 'sec-fetch-site': 'same-origin' };
    const begun = await ask(undefined, 'POST', '/console/session', { key: api.key }, own);
    const cookie = String(begun.headers['set-cookie']).split(';')[0] ?? '';
    for (const headers of [
      { cookie },
      { cookie, 'x-ward-console': '1', 'sec-fetch-site': 'cross-site' },
      { cookie, 'sec-fetch-site': 'same-origin' },
    ])
      expect(await make(undefined, { scope: 'read' }, headers)).toMatchObject({ status: 401 });
    expect(await make(undefined, { scope: 'read' }, { cookie, ...own })).toMatchObject({ status: 201 });
  });

  test('code that an admin calls is lent no right to make keys', async () => {
    const { namespaces } = api.functions;
    using lent = await namespaces.lendKey('guest', 'full');
    const identity = await namespaces.authenticateInside(basic(lent?.key ?? ''));
    expect(identity.scope).toBe('full');
    expect(await make(lent?.key, { scope: 'read' })).toMatchObject({ status: 401 });
  });
});

describe('members', () => {
  const members = async (key: string) => (await ask(key, 'GET', '/ward/v1/members')).body;

  test('are listed with their role and their last login', async () => {
    await logIn('viewer', 'other', { sub: 'zoe' });
    const [zoe] = await members(otherKey);
    expect(zoe).toEqual({
      ...{ id: expect.stringMatching(/^[0-9a-f]{64}$/), name: `zoe of ${issuer}`, role: 'viewer', keys: 1 },
      ...{ firstLoginAt: expect.any(Number), lastLoginAt: zoe.firstLoginAt },
    });
    expect(Math.abs(Date.now() - zoe.lastLoginAt)).toBeLessThan(minuteMs);
    await logIn('deployer', 'other', { sub: 'zoe' });
    expect(await members(otherKey)).toMatchObject([{ id: zoe.id, role: 'deployer', keys: 2 }]);
    expect(JSON.stringify(await members(api.key))).not.toContain('zoe');
  });

  test('are logged out of this namespace, and of no other', async () => {
    const here = await logIn('developer', 'guest', { sub: 'yan' });
    const there = await logIn('developer', 'other', { sub: 'yan' });
    const admin = await logIn('admin');
    expect([await works(here), await works(there)]).toEqual([true, true]);
    const { id } = (await members(admin)).find(({ name }: { name: string }) => name.startsWith('yan '));
    expect((await ask(admin, 'DELETE', `/ward/v1/members/${id}/logins`)).body).toEqual({ ended: 1 });
    expect([await works(here), await works(there)]).toEqual([false, true]);
    // A refresh at the issuer does not bring it back.
    const before = { sub: 'yan', auth_time: Math.floor(Date.now() / 1000) - 60 };
    await expect(logIn('developer', 'guest', before)).rejects.toThrow('LOGIN_ENDED');
    expect(await works(await logIn('developer', 'other', before))).toBe(true);
    const after = { sub: 'yan', auth_time: Math.floor(Date.now() / 1000) + 2 };
    expect(await works(await logIn('developer', 'guest', after))).toBe(true);
    const noOne = await ask(admin, 'DELETE', '/ward/v1/members/nobody/logins');
    expect(noOne).toMatchObject({ status: 404 });
    const entries = (await api.store.unsealed.read(1000)).map(({ entry }) => entry);
    expect(entries).toContainEqual(
      expect.objectContaining({
        event: 'log-out-member',
        actor: expect.stringContaining(`guest ${idOf(admin)} `),
        namespace: 'guest',
      }),
    );
  });
});
