/** Keys for tokens of OpenID issuers, over HTTP, with real tokens and a real store. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { LoginGrant } from '../../functions/index.ts';
import { createTokens } from '../../oidc/index.ts';
import { audience, issuer, keySet, newKey, sign } from '../../oidc/tokens.fixture.ts';
import { basic, startApi, type TestApi } from '../api.fixture.ts';

const key = newKey('first');
const issuerKeys = { keys: () => keySet(key), newerKeys: async () => undefined };
const tokens = createTokens({ issuerKeys });
const grants: readonly LoginGrant[] = [
  { claims: { groups: ['ops'] }, namespace: 'guest', role: 'developer' },
  { claims: { groups: ['ops', 'watch'] }, namespace: 'other', role: 'viewer' },
  { claims: { groups: ['ghosts'] }, namespace: 'missing', role: 'viewer' },
];
const ciGrants: readonly LoginGrant[] = [
  { claims: { repository: ['acme/shop'], ref: ['refs/heads/main'] }, namespace: 'guest', role: 'deployer' },
];
const login = { issuer, client: undefined, console: undefined, keyMs: 60_000 };

let api: TestApi;

beforeAll(async () => {
  api = await startApi({
    logins: {
      tokens,
      logins: [
        { ...login, audiences: [audience], grants, client: { clientId: 'cli', scopes: 'openid' } },
        { ...login, audiences: ['ci'], grants: ciGrants },
        { ...login, audiences: ['brief'], grants, keyMs: 100 },
      ],
    },
  });
  await api.functions.namespaces.create('other');
});
afterAll(() => api?.[Symbol.asyncDispose]());

let count = 0;
/** A token that no other test has used, and that is valid now. */
const token = (claims: object) =>
  sign(key, { exp: Math.floor(Date.now() / 1000) + 300, jti: `${++count}`, ...claims });
const ops = { groups: ['ops'] };

async function send(fields: Readonly<Record<string, string>>) {
  const form = {
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    ...fields,
  };
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  const payload = new URLSearchParams(form).toString();
  const answer = await api.app.inject({ method: 'POST', url: '/ward/v1/token', headers, payload });
  return {
    status: answer.statusCode,
    fault: answer.headers['x-ward-fault'],
    headers: answer.headers,
    body: answer.json(),
  };
}
const exchange = async (claims: object, more: Readonly<Record<string, string>> = {}) =>
  send({ subject_token: await token(claims), ...more });
const callWith = (made: string, method: 'GET' | 'PUT' | 'DELETE', url: string) =>
  api.app.inject({ method, url, headers: { authorization: basic(made) } });

test('a token becomes a key of the namespace that its claims open', async () => {
  const { status, headers, body } = await exchange({ groups: ['watch'] });
  expect([status, headers['cache-control']]).toEqual([200, 'no-store']);
  expect(body).toMatchObject({ token_type: 'N_A', expires_in: 60, scope: 'read', namespace: 'other' });
  expect((await callWith(body.access_token, 'GET', '/api/v1/namespaces')).json()).toEqual(['other']);
  expect((await callWith(body.access_token, 'PUT', '/api/v1/namespaces/_/packages/p')).statusCode).toBe(403);
  const keys = await api.functions.namespaces.listKeys('other');
  expect(keys.at(-1)).toMatchObject({ keyId: body.keyId, label: 'login: ada', scope: 'read' });
});

test('of several namespaces it names one, and may ask for less', async () => {
  expect(await exchange(ops)).toMatchObject({
    status: 400,
    fault: 'LOGIN_AMBIGUOUS',
    body: { error: 'This token opens several namespaces: guest, other.' },
  });
  expect((await exchange(ops, { audience: 'guest' })).body).toMatchObject({
    namespace: 'guest',
    scope: 'full',
  });
  expect((await exchange(ops, { audience: 'guest', scope: 'invoke' })).body).toMatchObject({
    scope: 'invoke',
  });
});

test('a pipeline gets its key by the audience and the claims of its issuer', async () => {
  const pipeline = { aud: 'ci', repository: 'acme/shop', ref: 'refs/heads/main' };
  expect((await exchange(pipeline)).body).toMatchObject({ namespace: 'guest', scope: 'deploy' });
  for (const changes of [{ ref: 'refs/heads/x' }, { repository: 'evil/shop' }, { repository: 'acme/shop2' }])
    expect(await exchange({ ...pipeline, ...changes })).toMatchObject({ status: 403, fault: 'LOGIN_DENIED' });
  // Groups count only in tokens for people.
  expect(await exchange({ aud: 'ci', ...ops })).toMatchObject({ status: 403 });
});

describe('refused:', () => {
  test.each<[string, object, Readonly<Record<string, string>>, number, string]>([
    ['no rule is met', { groups: ['others'] }, {}, 403, 'LOGIN_DENIED'],
    ['another namespace', { groups: ['watch'] }, { audience: 'guest' }, 403, 'LOGIN_DENIED'],
    ['more than its role', { groups: ['watch'] }, { scope: 'full' }, 403, 'LOGIN_DENIED'],
    ['a scope that is none', ops, { audience: 'guest', scope: 'root' }, 400, 'KEY_INVALID'],
    ['a namespace that is gone', { groups: ['ghosts'] }, {}, 404, 'NOT_FOUND'],
    ['another issuer', { ...ops, iss: 'https://evil.example.com' }, {}, 401, 'OIDC_TOKEN_INVALID'],
    ['another audience', { ...ops, aud: 'x' }, {}, 401, 'OIDC_TOKEN_INVALID'],
    ['expired', { ...ops, exp: 1 }, {}, 401, 'OIDC_TOKEN_INVALID'],
    ['another grant', ops, { grant_type: 'password' }, 400, 'BODY_INVALID'],
    [
      'another kind of token',
      ops,
      { subject_token_type: 'urn:ietf:params:oauth:token-type:saml2' },
      400,
      'BODY_INVALID',
    ],
  ])('%s', async (_what, claims, more, status, fault) => {
    const before = await api.functions.namespaces.listKeys('guest');
    expect(await exchange(claims, more)).toMatchObject({ status, fault });
    expect(await api.functions.namespaces.listKeys('guest')).toEqual(before);
  });

  test.each([['no JWT'], ['a.b.c'], ['x'.repeat(9000)]])('the token %.20s', async (subject_token) => {
    expect(await send({ subject_token })).toMatchObject({ status: 401, fault: 'OIDC_TOKEN_INVALID' });
  });

  test('a body that is too large, or no form', async () => {
    expect((await send({ subject_token: 'x'.repeat(20_000) })).status).toBe(413);
    const headers = { 'content-type': 'application/json' };
    const answer = await api.app.inject({ method: 'POST', url: '/ward/v1/token', headers, payload: '{}' });
    expect(answer.statusCode).toBe(415);
  });
});

describe('a token is worth one key:', () => {
  test('with an id, also signed again', async () => {
    const claims = { groups: ['watch'], jti: 'once' };
    expect((await exchange(claims)).status).toBe(200);
    expect(await exchange(claims)).toMatchObject({ status: 401, fault: 'TOKEN_SPENT' });
  });

  test('without an id', async () => {
    const subject_token = await token({ groups: ['watch'], jti: undefined });
    const answers = await Promise.all(Array.from({ length: 5 }, () => send({ subject_token })));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 401, 401, 401, 401]);
  });

  test('a refused exchange does not use it up', async () => {
    const subject_token = await token(ops);
    expect((await send({ subject_token })).fault).toBe('LOGIN_AMBIGUOUS');
    expect((await send({ subject_token, audience: 'other' })).status).toBe(200);
  });
});

test('a key of a login ends itself, and no other key does', async () => {
  const { body } = await exchange({ groups: ['watch'] });
  expect((await callWith(body.access_token, 'DELETE', '/ward/v1/token')).statusCode).toBe(200);
  expect((await callWith(body.access_token, 'GET', '/api/v1/namespaces')).statusCode).toBe(401);
  const own = await api.functions.namespaces.createKey('guest', { scope: 'full', label: 'ci' });
  for (const each of [own.key, api.key]) {
    const { statusCode, headers } = await callWith(each, 'DELETE', '/ward/v1/token');
    expect([statusCode, headers['x-ward-fault']]).toEqual([403, 'LOGIN_DENIED']);
    expect((await callWith(each, 'GET', '/api/v1/namespaces')).statusCode).toBe(200);
  }
  expect((await api.app.inject({ method: 'DELETE', url: '/ward/v1/token' })).statusCode).toBe(401);
});

describe('a logout everywhere', () => {
  const now = () => Math.floor(Date.now() / 1000);
  const everywhere = (made: string) => callWith(made, 'DELETE', '/ward/v1/token?everywhere=true');
  const works = async (made: string) =>
    (await callWith(made, 'GET', '/api/v1/namespaces')).statusCode === 200;
  const keyOf = async (claims: object) => (await exchange(claims)).body.access_token;

  test('ends the keys and browsers of one person, and logins from before', async () => {
    const person = { sub: 'eve', groups: ['watch'] };
    const [first, second] = [await keyOf(person), await keyOf(person)];
    const guest = (await exchange({ sub: 'eve', ...ops }, { audience: 'guest' })).body.access_token;
    const other = await keyOf({ sub: 'mallory', groups: ['watch'] });
    const browser = await api.functions.sessions.begin(second);
    expect((await everywhere(first)).json()).toEqual({ ended: 3 });
    for (const made of [first, second, guest]) expect(await works(made)).toBe(false);
    expect(await api.functions.sessions.identityOf(browser.token)).toBeUndefined();
    expect(await works(other)).toBe(true);
    expect((await everywhere(first)).statusCode).toBe(401);

    const refreshed = { ...person, auth_time: now() - 3600, iat: now() + 60 };
    expect(await exchange(refreshed)).toMatchObject({ status: 401, fault: 'LOGIN_ENDED' });
    expect(await exchange({ ...person, iat: now() - 60 })).toMatchObject({ fault: 'LOGIN_ENDED' });
    expect(await works(await keyOf({ ...person, auth_time: now() + 2 }))).toBe(true);
  });

  test('lets the next login in at once, also when the issuer’s clock is behind', async () => {
    const hourAgo = Date.now() - 3_600_000;
    const { keyId } = (await exchange({ sub: 'zed', groups: ['watch'] })).body;
    const row = (await api.store.keys.byId(keyId)) ?? expect.fail();
    await api.store.keys.delete('other', keyId);
    await api.store.keys.create({ ...row, createdAt: hourAgo });
    expect(await api.functions.exchange.endPerson(issuer, 'zed')).toBe(1);
    const anew = (authTime: number) => exchange({ sub: 'zed', groups: ['watch'], auth_time: authTime });
    for (const behind of [0, 20]) expect(await anew(now() - behind)).toMatchObject({ status: 200 });
    for (const begun of [now() - 60, Math.floor(hourAgo / 1000)])
      expect(await anew(begun)).toMatchObject({ fault: 'LOGIN_ENDED' });
  });

  test('needs a key of a login', async () => {
    const { statusCode, headers } = await everywhere(api.key);
    expect([statusCode, headers['x-ward-fault']]).toEqual([403, 'LOGIN_DENIED']);
    expect(await works(api.key)).toBe(true);
  });

  test('an operator names the person by the issuer and the subject', async () => {
    const made = await keyOf({ sub: 'trent', groups: ['watch'] });
    expect(await api.functions.exchange.endPerson('https://other.example.com', 'trent')).toBe(0);
    expect(await works(made)).toBe(true);
    expect(await api.functions.exchange.endPerson(issuer, 'trent')).toBe(1);
    expect(await works(made)).toBe(false);
  });
});

test('expired keys of logins make room for new ones', async () => {
  const brief = { aud: 'brief', groups: ['watch'] };
  const { body } = await exchange(brief);
  await vi.waitFor(async () => {
    expect((await callWith(body.access_token, 'GET', '/api/v1/namespaces')).statusCode).toBe(401);
  });
  await exchange(brief);
  const ids = (await api.functions.namespaces.listKeys('other')).map(({ keyId }) => keyId);
  expect(ids).not.toContain(body.keyId);
});

test('anyone can see where people log in', async () => {
  const answer = await api.app.inject({ url: '/ward/v1/token' });
  expect(answer.json()).toEqual({ logins: [{ issuer, clientId: 'cli', scopes: 'openid' }] });
});

test('an exchange is in the audit log under the name in the token', async () => {
  await exchange({ groups: ['watch'], sub: 'eve\n\u202e' });
  const entries = (await api.store.unsealed.read(1000)).map(({ entry }) => entry);
  const made = entries.findLast(({ event }) => event === 'create-key');
  expect(made).toMatchObject({ actor: `eve?? of ${issuer}`, namespace: 'other' });
});

test('what a person does with the key of a login is in the audit log under both', async () => {
  const { body } = await exchange({ sub: 'eve', ...ops }, { audience: 'guest' });
  const url = '/api/v1/namespaces/_/packages/of-eve';
  const headers = { authorization: basic(body.access_token) };
  const put = await api.app.inject({ method: 'PUT', url, headers, payload: {} });
  expect(put.statusCode).toBe(200);
  const entries = (await api.store.unsealed.read(1000)).map(({ entry }) => entry);
  const made = entries.findLast(({ event }) => event === 'create-package');
  expect(made).toMatchObject({ actor: `guest ${body.keyId} eve of ${issuer}`, namespace: 'guest' });
});
