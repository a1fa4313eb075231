/** Logging in to the console at a real OpenID provider, and what others can't do with such a login. */
import { once } from 'node:events';
import { createServer } from 'node:https';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { silentLog } from '../../lib/index.ts';
import {
  createCodeFlow,
  createIssuerKeys,
  createTokens,
  loadIssuerKeys,
  parseIssuer,
} from '../../oidc/index.ts';
import { consoleClient, startProvider, type TestProvider } from '../../oidc/provider.fixture.ts';
import { startApi, type TestApi } from '../api.fixture.ts';

const own = { 'x-ward-console': '1', 'sec-fetch-site': 'same-origin' };
/** As the browser sends it when the issuer sends it back. */
const crossSite = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' };
const callback = '/console/session/callback';
const actions = '/api/v1/namespaces/_/actions';

let provider: TestProvider;
let api: TestApi;
/** Nothing listens there. */
let deadIssuer: string;

beforeAll(async () => {
  provider = await startProvider();
  provider.sendBackTo(`http://ward.test${callback}`);
  const { issuer, authority } = provider;
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  deadIssuer = `https://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
  server.close();
  const dead = parseIssuer(deadIssuer) ?? expect.fail();
  const listed = [issuer, dead].map((each) => ({ issuer: each, ca: authority.cert }));
  const load = loadIssuerKeys({
    ...{ listed, ceiling: { public: false, rules: [] } },
    rulesOf: async () => undefined,
  });
  const tokens = createTokens({ issuerKeys: createIssuerKeys({ load, log: silentLog }) });
  const grants = [
    { claims: { groups: ['ops'] }, namespace: 'guest', role: 'viewer' as const },
    { claims: { groups: ['shop'] }, namespace: 'shop', role: 'developer' as const },
  ];
  const console = {
    ...{ clientId: consoleClient, secret: undefined, scopes: 'openid' },
    operators: [{ groups: ['admins'] }],
  };
  const login = { issuer, client: undefined, console, keyMs: 90_000, grants, audiences: ['ward-cli'] };
  api = await startApi({
    console: true,
    logins: {
      logins: [login, { ...login, issuer: dead }],
      tokens,
      codeFlow: createCodeFlow({ listed, log: silentLog, timeoutMs: 2000 }),
    },
  });
  await api.functions.namespaces.create('shop');
});
afterAll(async () => {
  await api?.[Symbol.asyncDispose]();
  await provider?.[Symbol.asyncDispose]();
});
let address: string;
let count = 0;
beforeEach(() => {
  // Each has its tries.
  address = `192.0.2.${++count}`;
});

/** The cookies of one browser. */
class Jar {
  readonly cookies = new Map<string, string>();
  /** As the browser got them. */
  set: readonly string[] = [];

  async ask(url: string, { method = 'GET', body, headers = own }: Asked = {}) {
    const cookie = [...this.cookies].map((pair) => pair.join('=')).join('; ');
    const answer = await api.app.inject({
      ...{ method, url, headers: { ...headers, ...(cookie === '' ? {} : { cookie }) } },
      ...{ remoteAddress: address, ...(body === undefined ? {} : { payload: body }) },
    });
    this.set = [answer.headers['set-cookie'] ?? []].flat();
    for (const each of this.set) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(each) ?? [];
      if (value === '') this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
    return answer;
  }

  /** Leaves for the issuer; returns what it is to open there. */
  async leave(): Promise<string> {
    const answer = await this.ask('/console/session/issuer', {
      ...{ method: 'POST', body: { issuer: provider.issuer } },
    });
    expect(answer.statusCode).toBe(200);
    return answer.json().url;
  }

  async comeBack(url: URL | string) {
    const { pathname, search } = new URL(url, 'http://ward.test');
    return this.ask(pathname + search, { headers: crossSite });
  }

  async logInAs(person: string) {
    provider.visitAs(person);
    const answer = await this.comeBack(await provider.visit(await this.leave()));
    expect([answer.statusCode, answer.headers['location']]).toEqual([303, '../../console/']);
  }

  async session() {
    return (await this.ask('/ward/v1/session')).json();
  }
}
interface Asked {
  readonly method?: 'GET' | 'POST' | 'DELETE' | 'PUT';
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
}

const keysOf = async (namespace: string) => {
  const keys = await api.functions.namespaces.listKeys(namespace);
  return keys.filter(({ isFirst }) => !isFirst).map(({ keyId }) => keyId);
};

test('a person gets a session with the role of the group, which ends with its key', async () => {
  const jar = new Jar();
  expect((await jar.ask('/console/session/issuer')).json()).toEqual({
    issuers: [provider.issuer, deadIssuer],
  });
  provider.visitAs('ada');
  const leaving = new URL(await jar.leave());
  expect(jar.set).toEqual([
    expect.stringMatching(/^__Host-ward-away=[\w.-]+; Path=\/; HttpOnly; Secure; SameSite=Lax; Max-Age=600$/),
  ]);
  expect(Object.fromEntries(leaving.searchParams)).toMatchObject({
    ...{ client_id: consoleClient, code_challenge_method: 'S256', response_type: 'code' },
    ...{ redirect_uri: `http://ward.test${callback}`, state: expect.stringMatching(/^[\w-]{43}$/) },
  });
  const answer = await jar.comeBack(await provider.visit(leaving.href));
  expect(answer.headers).toMatchObject({
    ...{ location: '../../console/', 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' },
  });
  expect(jar.set).toEqual([
    expect.stringMatching(/^__Host-ward-away=; .*Max-Age=0$/),
    expect.stringMatching(
      /^__Host-ward-key=[\w-]{43}; Path=\/; HttpOnly; Secure; SameSite=Strict; Max-Age=90$/,
    ),
  ]);
  expect(await jar.session()).toMatchObject({
    ...{ namespace: 'guest', scope: 'read', operator: false, login: true },
  });
  const { leftMs } = await jar.session();
  expect(leftMs).toBeGreaterThan(80_000);
  expect(leftMs).toBeLessThanOrEqual(90_000);
  expect((await jar.ask(actions)).statusCode).toBe(200);
  expect((await jar.ask(`${actions}/a`, { method: 'PUT', body: {} })).statusCode).toBe(403);
  expect(await keysOf('guest')).toHaveLength(1);
  expect((await jar.ask('/console/session', { method: 'DELETE' })).statusCode).toBe(200);
  expect(await keysOf('guest')).toEqual([]);
  expect(jar.cookies.size).toBe(0);
});

test('who may see several namespaces chooses one, once', async () => {
  const jar = new Jar();
  await jar.logInAs('bob');
  expect(await jar.session()).toMatchObject({ namespace: null, operator: false });
  const path = '/console/session/choice';
  expect((await jar.ask(path)).json()).toEqual({
    choices: { name: `bob of ${provider.issuer}`, namespaces: ['guest', 'shop'], operator: false },
  });
  for (const namespace of ['whisk.system', 'toString', null]) {
    const refused = await jar.ask(path, { method: 'POST', body: { namespace } });
    expect([refused.statusCode, refused.headers['x-ward-fault']]).toEqual([403, 'LOGIN_DENIED']);
  }
  const foreign = { method: 'POST', body: { namespace: 'shop' }, headers: crossSite } as const;
  expect((await jar.ask(path, foreign)).statusCode).toBe(403);
  const stolen = new Jar();
  for (const each of jar.cookies) stolen.cookies.set(...each);
  expect((await jar.ask(path, { method: 'POST', body: { namespace: 'shop' } })).statusCode).toBe(200);
  expect(await jar.session()).toMatchObject({ namespace: 'shop', scope: 'full', login: true });
  const again = await stolen.ask(path, { method: 'POST', body: { namespace: 'guest' } });
  expect([again.statusCode, again.headers['x-ward-fault']]).toEqual([401, 'LOGIN_INVALID']);
  expect((await stolen.ask(path)).json()).toEqual({ choices: null });
});

test('a login beside a session renews it in its namespace, with the role that the groups give now', async () => {
  const jar = new Jar();
  await jar.logInAs('bob');
  const path = '/console/session/choice';
  await jar.ask(path, { method: 'POST', body: { namespace: 'shop' } });
  const before = await jar.session();
  await jar.logInAs('bob');
  const after = await jar.session();
  expect(after).toMatchObject({ namespace: 'shop', scope: 'full', login: true });
  expect(after.keyId).not.toBe(before.keyId);
  // Who has lost the group gets nothing of it.
  await jar.logInAs('ada');
  expect(await jar.session()).toMatchObject({ namespace: 'guest', scope: 'read' });
});

test('a group makes an operator, whom the audit log names', async () => {
  const jar = new Jar();
  await jar.logInAs('omar');
  expect(await jar.session()).toMatchObject({ namespace: null, operator: true, login: true });
  const root = '/ward/v1/operator/namespaces';
  expect((await jar.ask(root, { method: 'POST', body: { name: 'made' } })).statusCode).toBe(201);
  const entries = (await api.store.unsealed.read(1000)).map(({ entry }) => entry);
  expect(entries.findLast(({ event }) => event === 'create-namespace')).toMatchObject({
    ...{ name: '/made', actor: `operator omar of ${provider.issuer}` },
  });
  expect(entries.findLast(({ event }) => event === 'log-in')).toMatchObject({
    ...{ name: 'operator', actor: `omar of ${provider.issuer}` },
  });
  const both = new Jar();
  await both.logInAs('olga');
  expect(await both.session()).toMatchObject({ namespace: 'guest', scope: 'read', operator: true });
});

test('a logout everywhere ends all sessions of the person, and of nobody else', async () => {
  const [first, second, operator, other] = [new Jar(), new Jar(), new Jar(), new Jar()];
  await first.logInAs('otto');
  await second.logInAs('otto');
  await operator.logInAs('omar');
  await other.logInAs('adam');
  const everywhere = { method: 'DELETE' } as const;
  const ended = await first.ask('/console/session?everywhere=true', everywhere);
  expect([ended.statusCode, ended.json()]).toEqual([200, { ended: 2 }]);
  expect(await second.session()).toMatchObject({ namespace: null, operator: false });
  expect(await operator.session()).toMatchObject({ operator: true });
  expect(await other.session()).toMatchObject({ namespace: 'guest' });
  expect((await operator.ask('/console/session?everywhere=true', everywhere)).statusCode).toBe(200);
  expect(await operator.session()).toMatchObject({ operator: false });
  // `ward logout --everywhere`, and an operator, do the same.
  expect(await api.functions.exchange.endPerson(provider.issuer, 'adam')).toBe(1);
  expect(await other.session()).toMatchObject({ namespace: null });
  const refused = await other.ask('/console/session?everywhere=true', everywhere);
  expect([refused.statusCode, refused.headers['x-ward-fault']]).toEqual([403, 'LOGIN_DENIED']);
});

describe('refused:', () => {
  const failed = async (jar: Jar, url: URL | string, code: string) => {
    const before = await keysOf('guest');
    const answer = await jar.comeBack(url);
    expect([answer.statusCode, answer.headers['location']]).toEqual([
      303,
      `../../console/login?failed=${code}`,
    ]);
    expect(jar.set.filter((each) => /^__Host-ward-(key|operator|choice)=/.test(each))).toEqual([]);
    expect(await keysOf('guest')).toEqual(before);
  };

  test('to log somebody in as somebody else (login CSRF)', async () => {
    provider.visitAs('ada');
    const attacker = new Jar();
    const [first, second] = [await attacker.leave(), await attacker.leave()];
    // The victim has begun no login, or one of its own.
    await failed(new Jar(), await provider.visit(first), 'LOGIN_INVALID');
    const victim = new Jar();
    await victim.leave();
    await failed(victim, await provider.visit(second), 'OIDC_LOGIN_FAILED');
    // No other page begins a login here.
    for (const headers of [
      crossSite,
      { ...own, 'sec-fetch-site': 'same-site' },
      { 'sec-fetch-site': 'none' },
    ]) {
      const asked = { method: 'POST', body: { issuer: provider.issuer }, headers } as const;
      expect((await victim.ask('/console/session/issuer', asked)).statusCode).toBe(403);
      expect(victim.set).toEqual([]);
    }
  });

  test('a session that somebody else has put into the browser (fixation)', async () => {
    const fixed = 'A'.repeat(43);
    const jar = new Jar();
    for (const name of ['key', 'operator', 'choice']) jar.cookies.set(`__Host-ward-${name}`, fixed);
    await jar.logInAs('ada');
    expect(jar.cookies.get('__Host-ward-key')).not.toBe(fixed);
    const attacker = new Jar();
    attacker.cookies.set('__Host-ward-key', fixed);
    expect(await attacker.session()).toMatchObject({ namespace: null });
  });

  test('a code that was used, and a browser without its secret', async () => {
    provider.visitAs('ada');
    const jar = new Jar();
    const url = await provider.visit(await jar.leave());
    const copy = new Jar();
    for (const each of jar.cookies) copy.cookies.set(...each);
    await jar.comeBack(url);
    expect(await jar.session()).toMatchObject({ namespace: 'guest' });
    // The secret is gone from this browser; with it, the issuer refuses the code.
    await failed(jar, url, 'LOGIN_INVALID');
    await failed(copy, url, 'OIDC_LOGIN_FAILED');
    const twice = await provider.visit(await jar.leave());
    twice.searchParams.append('code', 'x');
    await failed(jar, twice, 'OIDC_LOGIN_FAILED');
  });

  test('the answer of another issuer (mix-up), and a cookie that names none', async () => {
    provider.visitAs('ada');
    const jar = new Jar();
    const away = await provider.visit(await jar.leave());
    expect(away.searchParams.get('iss')).toBe(provider.issuer);
    away.searchParams.set('iss', deadIssuer);
    await failed(jar, away, 'OIDC_LOGIN_FAILED');
    const without = await provider.visit(await jar.leave());
    without.searchParams.delete('iss');
    await failed(jar, without, 'OIDC_LOGIN_FAILED');
    // The same secret at another issuer has another state.
    const moved = await provider.visit(await jar.leave());
    const [secret] = (jar.cookies.get('__Host-ward-away') ?? '').split('.');
    for (const [issuer, code] of [
      [deadIssuer, 'OIDC_UNAVAILABLE'],
      ['https://evil.example.com', 'OIDC_LOGIN_FAILED'],
    ] as const) {
      jar.cookies.set('__Host-ward-away', `${secret}.${Buffer.from(issuer).toString('base64url')}`);
      await failed(jar, moved, code);
    }
  });

  test('to be led elsewhere, or to show what somebody wrote', async () => {
    provider.visitAs('ada');
    const jar = new Jar();
    const url = await provider.visit(await jar.leave());
    for (const name of ['return', 'redirect_uri', 'next', 'failed'])
      url.searchParams.set(name, 'https://evil.example.com/');
    expect((await jar.comeBack(url)).headers['location']).toBe('../../console/');
    const denied = `${callback}?error=access_denied&error_description=call+555`;
    const state = new URL(await jar.leave()).searchParams.get('state');
    await failed(jar, `${denied}&state=${state}&iss=${provider.issuer}`, 'OIDC_LOGIN_FAILED');
  });

  test('who is in no group', async () => {
    provider.visitAs('eve');
    const jar = new Jar();
    await failed(jar, await provider.visit(await jar.leave()), 'LOGIN_DENIED');
  });

  test('a login at an issuer that is down, or is none', async () => {
    const ask = (issuer: string) =>
      new Jar().ask('/console/session/issuer', { method: 'POST', body: { issuer } });
    const down = await ask(deadIssuer);
    expect([down.statusCode, down.headers['x-ward-fault']]).toEqual([503, 'OIDC_UNAVAILABLE']);
    const none = await ask('https://evil.example.com');
    expect([none.statusCode, none.headers['x-ward-fault']]).toEqual([401, 'OIDC_LOGIN_FAILED']);
    const answers = await Promise.all(Array.from({ length: 25 }, () => new Jar().comeBack(callback)));
    expect(answers.filter(({ statusCode }) => statusCode === 429).length).toBeGreaterThan(4);
  });
});
