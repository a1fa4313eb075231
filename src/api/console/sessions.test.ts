/** Sessions of browsers: who gets one, what they open, and what other pages in the same browser can't do with them. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newOperatorLogin } from '../../functions/index.ts';
import { basic, startApi, type TestApi } from '../api.fixture.ts';

const own = { 'x-ward-console': '1', 'sec-fetch-site': 'same-origin' };
let api: TestApi;

beforeAll(async () => {
  api = await startApi({ console: true });
});
afterAll(() => api[Symbol.asyncDispose]());

interface Asked {
  readonly method?: 'GET' | 'POST' | 'DELETE' | 'PUT';
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
  readonly address?: string;
}

/** Without a key, as a browser asks. */
function ask(url: string, { method = 'GET', body, headers = own, address = '192.0.2.1' }: Asked = {}) {
  return api.app.inject({
    ...{ method, url, headers, remoteAddress: address },
    ...(body === undefined ? {} : { payload: body }),
  });
}

/** Returns the `Cookie` of a new session. */
async function logIn(body: object, headers: Readonly<Record<string, string>> = own): Promise<string> {
  const answer = await ask('/console/session', { method: 'POST', body, headers });
  expect([answer.statusCode, answer.payload]).toEqual([200, '{}']);
  const [cookie = ''] = String(answer.headers['set-cookie']).split(';');
  return cookie;
}

const actions = '/api/v1/namespaces/_/actions';
const overview = '/ward/v1/operator/overview';

test('a key opens a session with its rights, in a cookie that scripts and other sites never see', async () => {
  const answer = await ask('/console/session', { method: 'POST', body: { key: `  ${api.key}\n` } });
  expect(answer.headers['set-cookie']).toMatch(
    /^__Host-ward-key=[\w-]{43}; Path=\/; HttpOnly; Secure; SameSite=Strict; Max-Age=604800$/,
  );
  expect(answer.headers['cache-control']).toBe('no-store');
  const cookie = await logIn({ key: api.key });
  const who = await ask('/ward/v1/session', { headers: { ...own, cookie } });
  const [keyId] = api.key.split(':');
  expect(who.json()).toEqual({
    ...{ version: '1.2.3', namespace: 'guest', keyId, scope: 'admin' },
    ...{ rights: ['read', 'deploy', 'invoke', 'admin'], operator: false, login: false },
    leftMs: expect.any(Number),
  });
  expect((await ask(actions, { headers: { ...own, cookie } })).statusCode).toBe(200);
});

test('a session has the scope of its key', async () => {
  const { key } = await api.functions.namespaces.createKey('guest', { scope: 'read' });
  const headers = { ...own, cookie: await logIn({ key }) };
  expect((await ask(actions, { headers })).statusCode).toBe(200);
  expect((await ask(`${actions}/a?overwrite=true`, { method: 'PUT', body: {}, headers })).statusCode).toBe(
    403,
  );
  expect((await ask('/ward/v1/session', { headers })).json()).toMatchObject({
    scope: 'read',
    rights: ['read'],
  });
});

test.each([
  ['without the header of the console', { 'sec-fetch-site': 'same-origin' }],
  ['from another site', { 'x-ward-console': '1', 'sec-fetch-site': 'cross-site' }],
  ['from another port of this host', { 'x-ward-console': '1', 'sec-fetch-site': 'same-site' }],
  ['that a person typed', { 'x-ward-console': '1', 'sec-fetch-site': 'none' }],
  ['that does not say where it is from', { 'x-ward-console': '1' }],
])('a request %s has no session', async (_, headers) => {
  const cookie = await logIn({ key: api.key });
  expect((await ask(actions, { headers: { ...headers, cookie } })).statusCode).toBe(401);
  expect((await ask('/ward/v1/session', { headers: { ...headers, cookie } })).json().namespace).toBeNull();
  const body = { key: api.key };
  expect((await ask('/console/session', { method: 'POST', body, headers })).statusCode).toBe(403);
  expect(
    (await ask('/console/session', { method: 'DELETE', headers: { ...headers, cookie } })).statusCode,
  ).toBe(403);
  // It is still there.
  expect((await ask(actions, { headers: { ...own, cookie } })).statusCode).toBe(200);
});

test('browsers of the console get no dialog for a name and a password', async () => {
  const refused = await ask(actions);
  expect([refused.statusCode, refused.headers['www-authenticate']]).toEqual([401, 'Session']);
  expect((await ask(actions, { headers: {} })).headers['www-authenticate']).toMatch(/^Basic /);
});

test('each login has a new token, and ends the session that it replaces', async () => {
  const first = await logIn({ key: api.key });
  const second = await logIn({ key: api.key }, { ...own, cookie: first });
  expect(second).not.toBe(first);
  expect((await ask(actions, { headers: { ...own, cookie: first } })).statusCode).toBe(401);
  // Ward did not make this token, so it opens nothing.
  const made = `__Host-ward-key=${'A'.repeat(43)}`;
  expect((await ask(actions, { headers: { ...own, cookie: made } })).statusCode).toBe(401);
  const both = `${second}; ${made}`;
  expect((await ask(actions, { headers: { ...own, cookie: both } })).statusCode).toBe(401);
  const doubled = `${second}; ${second}`;
  expect((await ask(actions, { headers: { ...own, cookie: doubled } })).statusCode).toBe(401);
});

test('a session ends at logout, and with its key', async () => {
  const cookie = await logIn({ key: api.key });
  const out = await ask('/console/session', { method: 'DELETE', headers: { ...own, cookie } });
  expect(out.headers['set-cookie']).toEqual([
    expect.stringMatching(/^__Host-ward-key=; .*Max-Age=0$/),
    expect.stringMatching(/^__Host-ward-operator=; .*Max-Age=0$/),
    expect.stringMatching(/^__Host-ward-choice=; .*Max-Age=0$/),
  ]);
  expect((await ask(actions, { headers: { ...own, cookie } })).statusCode).toBe(401);

  const further = await api.functions.namespaces.createKey('guest', { scope: 'full' });
  const headers = { ...own, cookie: await logIn({ key: further.key }) };
  expect((await ask(actions, { headers })).statusCode).toBe(200);
  await api.functions.namespaces.deleteKey('guest', further.keyId);
  expect((await ask(actions, { headers })).statusCode).toBe(401);

  const rotated = await api.functions.namespaces.create('rotated');
  const before = { ...own, cookie: await logIn({ key: rotated }) };
  expect((await ask(actions, { headers: before })).statusCode).toBe(200);
  await api.functions.namespaces.rotateKey('rotated');
  expect((await ask(actions, { headers: before })).statusCode).toBe(401);
});

test('wrong keys and logins are refused, and then slowed down', async () => {
  const body = { key: `${api.key.slice(0, -1)}?` };
  const address = '192.0.2.99';
  const answers = await Promise.all(
    Array.from({ length: 25 }, () => ask('/console/session', { method: 'POST', body, address })),
  );
  const statuses = answers.map(({ statusCode }) => statusCode);
  expect(new Set(statuses)).toEqual(new Set([401, 429]));
  expect(statuses.filter((status) => status === 401)).toHaveLength(20);
  const last = await ask('/console/session', { method: 'POST', body: { key: api.key }, address });
  expect([last.statusCode, Number(last.headers['retry-after']) > 0]).toEqual([429, true]);
  // Others log in meanwhile.
  await logIn({ key: api.key });
  const login = await ask('/console/session', { method: 'POST', body: { login: 'x' } });
  expect([login.statusCode, login.headers['x-ward-fault']]).toEqual([401, 'LOGIN_INVALID']);
  const nothing = await ask('/console/session', { method: 'POST', body: {} });
  expect([nothing.statusCode, nothing.headers['x-ward-fault']]).toEqual([400, 'BODY_MISSING']);
});

test('the addresses of one network of IPv6 log in as one, also behind a proxy', async () => {
  await using proxied = await startApi({ console: true, trustedProxies: ['127.0.0.1'] });
  const logInFrom = async (address: string) => {
    const { statusCode } = await proxied.app.inject({
      ...{ method: 'POST', url: '/console/session', payload: { key: proxied.key } },
      headers: { ...own, 'x-forwarded-for': address },
      remoteAddress: '127.0.0.1',
    });
    return statusCode;
  };
  const statuses: number[] = [];
  for (let n = 0; n < 25; n++) statuses.push(await logInFrom(`2001:db8:0:1::${n.toString(16)}:1`));
  expect(statuses.slice(0, 20)).toEqual(Array.from({ length: 20 }, () => 200));
  expect(statuses).toContain(429);
  expect(await logInFrom('2001:db8:0:2::1')).toBe(200);
});

test('an operator gets in by a login that works once, and no key does', async () => {
  const { login } = await newOperatorLogin(api.store.sessions);
  const operator = await logIn({ login });
  const again = await ask('/console/session', { method: 'POST', body: { login } });
  expect([again.statusCode, again.headers['x-ward-fault']]).toEqual([401, 'LOGIN_INVALID']);

  const asOperator = { ...own, cookie: operator };
  expect((await ask(overview, { headers: asOperator })).json()).toMatchObject({ version: '1.2.3' });
  expect((await ask('/ward/v1/session', { headers: asOperator })).json()).toMatchObject({
    ...{ namespace: null, rights: [], operator: true },
  });
  expect((await ask('/ward/v1/operator/other', { headers: asOperator })).statusCode).toBe(404);
  // It opens no namespace.
  expect((await ask(actions, { headers: asOperator })).statusCode).toBe(401);

  const key = await logIn({ key: api.key });
  const swapped = key.replace('__Host-ward-key', '__Host-ward-operator');
  for (const headers of [
    own,
    { ...own, authorization: basic(api.key) },
    { ...own, cookie: key },
    { ...own, cookie: swapped },
    { cookie: operator },
  ]) {
    const refused = await ask(overview, { headers });
    expect([refused.statusCode, refused.headers['x-ward-fault']]).toEqual([401, 'OPERATOR_REQUIRED']);
  }
  const both = { ...own, cookie: `${key}; other=1; ${operator}` };
  expect((await ask('/ward/v1/session', { headers: both })).json()).toMatchObject({
    ...{ namespace: 'guest', operator: true },
  });
});

test('functions on the same host see no session, make none, and speak for nobody', async () => {
  const annotations = [
    { key: 'web-export', value: true },
    { key: 'raw-http', value: false },
  ];
  const exec = { kind: 'nodejs:default', code: 'function main() { return {} }' };
  await api.call('PUT', 'actions/page', { body: { exec, annotations } });
  const cookie = `a=1; ${await logIn({ key: api.key })}; b=2`;
  api.script = (job) => {
    const { __ow_headers: seen } = job.parameters as { __ow_headers: Record<string, string> };
    const headers = {
      'set-cookie': ['__Host-ward-key=stolen; Path=/; Secure', ' __Host-ward-operator=x', 'mine=1'],
      'content-security-policy': "default-src 'self'",
      'clear-site-data': '"cookies"',
      'service-worker-allowed': '/',
    };
    const result = { headers, body: seen['cookie'] ?? 'none' };
    const json = JSON.stringify(result);
    return {
      ...{ status: 'success', result, json, sizeBytes: json.length, startedAt: 1, endedAt: 2, waitMs: 0 },
      ...{ timedOut: false, start: 'warm', log: Promise.resolve([]) },
    };
  };
  const answer = await ask('/api/v1/web/guest/default/page.http', { headers: { ...own, cookie } });
  expect(answer.payload).toBe('a=1; b=2');
  expect(answer.headers['set-cookie']).toBe('mine=1');
  expect(answer.headers).not.toHaveProperty('clear-site-data');
  expect(answer.headers).not.toHaveProperty('service-worker-allowed');
  const policy = String(answer.headers['content-security-policy']);
  expect(policy).toMatch(/^default-src 'self', sandbox allow-/);
  expect(policy).not.toContain('allow-same-origin');
  const missing = await ask('/api/v1/web/guest/default/none.html');
  expect(missing.headers['content-security-policy']).toMatch(/^sandbox /);
});

test('without the console there are no sessions, and pages of actions are as they were', async () => {
  await using plain = await startApi();
  const answer = await plain.app.inject({ url: '/ward/v1/session', headers: own });
  expect(answer.statusCode).toBe(401);
  const page = await plain.app.inject({ url: '/api/v1/web/guest/default/none.html' });
  expect(page.headers).not.toHaveProperty('content-security-policy');
});
