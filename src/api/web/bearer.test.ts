/** Web actions that demand a bearer token, over HTTP, with real tokens. */
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { JsonObject, JsonValue } from '../../lib/index.ts';
import { createTokens, oidcFault } from '../../oidc/index.ts';
import { audience, issuer, keySet, madeAt, newKey, sign } from '../../oidc/tokens.fixture.ts';
import { startWeb, type TestWeb } from './web.fixture.ts';

const key = newKey('first');
const keys = vi.fn(() => keySet(key));
const issuerKeys = { keys, newerKeys: async () => undefined };
const tokens = createTokens({ issuerKeys, now: () => madeAt * 1000 });
const demand = { issuer, audience };
const anError = (error: unknown) => ({ error, code: expect.stringMatching(/^[0-9a-f]{32}$/) });

let web: TestWeb;
let plain: TestWeb;

beforeAll(async () => {
  const adobeAuth = { issuer, audiences: ['adobe'], scopes: ['app'] };
  web = await startWeb({ guard: { tokens, adobeAuth } });
  plain = await startWeb({ guard: { tokens, adobeAuth: undefined } });
  await web.deploy('oidc', { 'require-oidc-auth': { ...demand, audience: ['x', audience] } });
  await web.deploy('scoped', { 'require-oidc-auth': { ...demand, scopes: 'read write' } });
  await web.deploy('own', { 'require-oidc-auth': demand, 'web-custom-options': true });
  await web.deploy('secret', { 'require-oidc-auth': demand, 'require-whisk-auth': 'abc' });
  await web.deploy('raw', { 'require-oidc-auth': demand, 'raw-http': true });
  await web.deploy('adobe', { 'require-adobe-auth': true });
  await web.deploy('both', { 'require-adobe-auth': true, 'require-oidc-auth': demand });
  await web.deploy('open', { 'require-adobe-auth': false, 'require-oidc-auth': false });
});
afterAll(async () => {
  await web?.[Symbol.asyncDispose]();
  await plain?.[Symbol.asyncDispose]();
});
let records = 0;
beforeEach(async () => {
  web.api.jobs.length = 0;
  keys.mockClear();
  records = await countRecords();
});

async function countRecords(): Promise<number> {
  const { body } = await web.api.call('GET', 'activations?count=true');
  return (body as { readonly activations: number }).activations;
}

async function call(name: string, token?: string, headers: Record<string, string> = {}, method = 'GET') {
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const path = `guest/default/${name}.json`;
  const answer = await web.call(method, path, { headers: { ...authorization, ...headers } });
  return { ...answer, body: (answer.text === '' ? {} : JSON.parse(answer.text)) as JsonObject };
}

/** Whether anything was started or recorded. */
async function expectNothing(): Promise<void> {
  expect(web.api.jobs).toEqual([]);
  expect(await countRecords()).toBe(records);
}

describe('without a valid token nothing is started:', () => {
  test('no token', async () => {
    const { status, body, headers } = await call('oidc');
    expect(status).toBe(401);
    expect(body).toEqual(anError('This action needs a bearer token.'));
    expect(headers).toMatchObject({ 'www-authenticate': 'Bearer', 'access-control-allow-origin': '*' });
    await expectNothing();
  });

  test.each(['Bearer', 'Bearer ', 'Bearer a b', 'Token abc', 'Bearer äöü', `Basic ${btoa('a:b')}`])(
    'the header %j',
    async (authorization) => {
      expect((await call('oidc', undefined, { authorization })).status).toBe(401);
      await expectNothing();
    },
  );

  test('the key of the action’s own namespace', async () => {
    const answer = await web.call('GET', 'guest/default/oidc.json', { key: web.api.key });
    expect(answer.status).toBe(401);
    await expectNothing();
  });

  test('a token that is wrong', async () => {
    const { status, body, headers } = await call('oidc', await sign(newKey('first')));
    expect(status).toBe(401);
    expect(body).toEqual(anError('The bearer token is not valid: its signature or a claim is wrong.'));
    expect(headers['www-authenticate']).toBe('Bearer error="invalid_token"');
    await expectNothing();
  });

  test('a token without the scopes', async () => {
    const { status, body, headers } = await call('scoped', await sign(key, { scope: 'write' }));
    expect(status).toBe(403);
    expect(body).toEqual(anError("The bearer token lacks the scope 'read'."));
    expect(headers['www-authenticate']).toBe('Bearer error="insufficient_scope", scope="read write"');
    await expectNothing();
  });

  test('an issuer whose keys cannot be read', async () => {
    keys.mockRejectedValueOnce(oidcFault('OIDC_UNAVAILABLE', 'down', { retryAfterMs: 9001 }));
    const { status, body, headers } = await call('oidc', await sign(key, { jti: 'new' }));
    expect(status).toBe(503);
    expect(body).toEqual(anError('down'));
    expect(headers['retry-after']).toBe('10');
    await expectNothing();
  });

  test('a body is not read', async () => {
    const payload = 'x'.repeat(2 * 1024 * 1024);
    expect((await web.call('POST', 'guest/default/oidc.json', { payload })).status).toBe(401);
  });
});

test('with a valid token, the action gets its subject, its claims and the token', async () => {
  const token = await sign(key, { groups: ['a', 'b'], sub: 'ada' });
  for (const name of ['oidc', 'raw']) {
    const { status, body } = await call(name, token);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      __ow_user: 'ada',
      __ow_claims: { sub: 'ada', iss: issuer, groups: ['a', 'b'] },
      __ow_headers: { authorization: `Bearer ${token}` },
    });
  }
  expect((await call('scoped', await sign(key, { scope: 'write read' }))).status).toBe(200);
});

test('no caller can send claims', async () => {
  expect((await web.call('GET', 'guest/default/open.json?__ow_claims=x')).status).toBe(400);
  expect((await call('open')).body).not.toHaveProperty('__ow_claims');
});

test('a secret of the action is needed as well', async () => {
  const token = await sign(key);
  expect((await call('secret', token)).status).toBe(401);
  expect((await call('secret', undefined, { 'x-require-whisk-auth': 'abc' })).status).toBe(401);
  expect((await call('secret', token, { 'x-require-whisk-auth': 'abc' })).status).toBe(200);
});

test.each(['oidc', 'own'])('Ward answers a browser’s OPTIONS for %s', async (name) => {
  const { status, headers } = await call(name, undefined, {}, 'OPTIONS');
  expect([status, headers['access-control-allow-origin']]).toEqual([200, '*']);
  await expectNothing();
});

test('an action answers OPTIONS itself only for a valid token', async () => {
  expect((await call('own', 'a.b.c', {}, 'OPTIONS')).status).toBe(401);
  await expectNothing();
  expect((await call('own', await sign(key), {}, 'OPTIONS')).status).toBe(200);
  expect(web.api.jobs).toHaveLength(1);
});

describe('require-adobe-auth', () => {
  test('means the issuer, audience and scopes that the operator chose', async () => {
    expect((await call('adobe', await sign(key))).status).toBe(401);
    expect((await call('adobe', await sign(key, { aud: 'adobe' }))).status).toBe(403);
    const { status, body } = await call('adobe', await sign(key, { aud: 'adobe', scope: 'app' }));
    expect([status, body['__ow_user']]).toEqual([200, 'ada']);
    expect(keys).toHaveBeenCalledWith({ issuer, namespace: undefined });
  });

  test('does not replace require-oidc-auth', async () => {
    expect((await call('both', await sign(key, { aud: 'adobe', scope: 'app' }))).status).toBe(401);
    expect((await call('both', await sign(key, { scope: 'app' }))).status).toBe(401);
    expect((await call('both', await sign(key, { aud: ['adobe', audience], scope: 'app' }))).status).toBe(
      200,
    );
  });

  test('lets no one in while the operator has chosen no issuer', async () => {
    await plain.deploy('adobe', { 'require-adobe-auth': true });
    const authorization = `Bearer ${await sign(key, { aud: 'adobe', scope: 'app' })}`;
    const answer = await plain.call('GET', 'guest/default/adobe', { headers: { authorization } });
    expect([answer.status, JSON.parse(answer.text)]).toEqual([
      503,
      anError('No one can call this action now: the operator has chosen no issuer for require-adobe-auth.'),
    ]);
    expect(plain.api.jobs).toEqual([]);
  });
});

describe('a malformed annotation lets no one in:', () => {
  test.each<[string, JsonValue]>([
    ['require-oidc-auth', true],
    ['require-oidc-auth', null],
    ['require-oidc-auth', 'https://login.example.com'],
    ['require-oidc-auth', [demand]],
    ['require-oidc-auth', { issuer }],
    ['require-oidc-auth', { issuer, audience: [] }],
    ['require-oidc-auth', { issuer, audience: '' }],
    ['require-oidc-auth', { ...demand, issuer: 'http://login.example.com' }],
    ['require-oidc-auth', { ...demand, scope: 'read' }],
    ['require-oidc-auth', { ...demand, scopes: ['a"b'] }],
    ['require-oidc-auth', { ...demand, scopes: ['a\nb'] }],
    ['require-adobe-auth', 'true'],
    ['require-adobe-auth', null],
    ['require-adobe-auth', 1],
  ])('%s: %j', async (annotation, value) => {
    await web.deploy('malformed', { 'require-oidc-auth': false, [annotation]: value });
    const { status, body } = await call('malformed', await sign(key, { scope: 'read' }));
    expect(status).toBe(503);
    expect(body['error']).toBe(`No one can call this action now: its annotation ${annotation} is malformed.`);
    await expectNothing();
  });
});

test('an action that demands no token takes any', async () => {
  expect((await call('open', 'a.b.c')).status).toBe(200);
});
