/** `ward login` and `logout` against a real OpenID provider and the real API. */
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { startApi, type TestApi } from '../../api/api.fixture.ts';
import { silentLog } from '../../lib/index.ts';
import { createIssuerKeys, createTokens, loadIssuerKeys } from '../../oidc/index.ts';
import { deviceClient, startProvider, type TestProvider } from '../../oidc/provider.fixture.ts';
import { runInProcess } from '../in-process.fixture.ts';

const usual = getCACertificates('default');
let provider: TestProvider;
let api: TestApi;
let folder: string;
let apihost: string;
let file: string;

beforeAll(async () => {
  provider = await startProvider();
  const { issuer, authority } = provider;
  setDefaultCACertificates([...usual, authority.cert]);
  const load = loadIssuerKeys({
    listed: [{ issuer, ca: authority.cert }],
    ceiling: { public: false, rules: [] },
    rulesOf: async () => undefined,
  });
  const tokens = createTokens({ issuerKeys: createIssuerKeys({ load, log: silentLog }) });
  const client = { clientId: deviceClient, scopes: 'openid offline_access' };
  const grants = [
    { claims: { groups: ['ops'] }, namespace: 'guest', role: 'viewer' as const },
    { claims: { groups: ['shop'] }, namespace: 'guest', role: 'admin' as const },
  ];
  const login = { issuer, client, console: undefined, keyMs: 90_000, grants, audiences: [deviceClient] };
  const ciGrants = [{ claims: { sub: ['robot'] }, namespace: 'guest', role: 'deployer' as const }];
  const pipeline = { ...login, client: undefined, grants: ciGrants, audiences: ['https://ci.example.com'] };
  api = await startApi({ logins: { logins: [login, pipeline], tokens } });
  apihost = await api.app.listen({ port: 0, host: '127.0.0.1' });
  folder = await mkdtemp(join(tmpdir(), 'ward-login-'));
});
afterAll(async () => {
  setDefaultCACertificates(usual);
  await api?.[Symbol.asyncDispose]();
  await provider?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});
let count = 0;
beforeEach(() => {
  file = join(folder, `wskprops-${++count}`);
});

const ward = (...args: string[]) =>
  runInProcess(args, { env: { WSK_CONFIG_FILE: file, WARD_APIHOST: apihost } });

test('a login stores a short key, which is renewed while it is used, until the logout', async () => {
  provider.approveAs('ada');
  const login = await ward('login', '--namespace', 'guest');
  expect(login.stderr).toMatch(/^ok: open https:\/\/127\.0\.0\.1:\d+\/device\?user_code=\S+ in a browser/);
  expect(login.stderr).toContain('ok: logged in to guest (read) until ');
  expect(login.code).toBe(0);
  for (const path of [file, `${file}.login`]) expect((await stat(path)).mode & 0o777).toBe(0o600);
  const first = await keyInUse();
  expect(await ward('action', 'list')).toMatchObject({ code: 0 });
  expect(await keyInUse()).toBe(first);

  const path = `${file}.login`;
  // Tokens of the same second are the same token.
  const nextSecond = Math.ceil(Date.now() / 1000) * 1000;
  await vi.waitFor(() => expect(Date.now()).toBeGreaterThan(nextSecond), 2000);
  await writeFile(path, (await readFile(path, 'utf8')).replace(/"expiresAt":\d+/, '"expiresAt":1'));
  expect(await ward('action', 'list')).toMatchObject({ code: 0, stderr: '' });
  const second = await keyInUse();
  expect(second).not.toBe(first);

  expect(await ward('logout')).toMatchObject({ code: 0, stderr: 'ok: logged out of guest\n' });
  expect(existsSync(path)).toBe(false);
  expect(await ward('action', 'list', '--auth', second)).toMatchObject({ code: 4 });
  expect(await ward('action', 'list')).toMatchObject({ code: 4 });
});

test('a logout everywhere ends the key of another machine too', async () => {
  provider.approveAs('ada');
  await ward('login', '--namespace', 'guest');
  const other = await keyInUse();
  file = `${file}-second`;
  await ward('login', '--namespace', 'guest');
  const own = await keyInUse();
  expect(own).not.toBe(other);
  expect(await ward('logout', '--everywhere')).toMatchObject({
    ...{ code: 0, stderr: expect.stringMatching(/^ok: logged out everywhere: \d keys\n$/) },
  });
  expect(existsSync(`${file}.login`)).toBe(false);
  for (const key of [own, other])
    expect(await ward('action', 'list', '--auth', key)).toMatchObject({ code: 4 });
});

test('an admin makes keys, sees who made them, and logs a member out', async () => {
  provider.approveAs('ada');
  await ward('login', '--namespace', 'guest');
  const viewer = await keyInUse();
  for (const words of [
    ['key', 'create'],
    ['key', 'list'],
    ['member', 'list'],
  ])
    expect(await ward(...words)).toMatchObject({ code: 4, stdout: '' });

  file = `${file}-admin`;
  provider.approveAs('bob');
  await ward('login', '--namespace', 'guest');
  const label = ['--label', 'the dashboard'];
  const created = await ward('key', 'create', '--scope', 'read', '--expires', '30d', ...label, '-o', 'json');
  const { key, keyId } = JSON.parse(created.stdout);
  expect(await ward('action', 'list', '--auth', key)).toMatchObject({ code: 0 });
  expect(await ward('trigger', 'create', 't', '--auth', key)).toMatchObject({ code: 4 });
  expect((await ward('key', 'list')).stdout).toMatch(
    new RegExp(`\\n${keyId} +read .* the dashboard +bob of https://`),
  );
  expect(await ward('key', 'delete', keyId)).toMatchObject({ code: 0, stderr: `ok: deleted key ${keyId}\n` });
  expect(await ward('action', 'list', '--auth', key)).toMatchObject({ code: 4 });

  const members: { id: string; name: string; role: string }[] = JSON.parse(
    (await ward('member', 'list', '-o', 'json')).stdout,
  );
  expect(members[0]).toMatchObject({ name: `bob of ${provider.issuer}`, role: 'admin' });
  const ada = members.find(({ name }) => name.startsWith('ada '));
  expect(ada?.role).toBe('viewer');
  expect(await ward('member', 'logout', ada?.id ?? '')).toMatchObject({
    ...{ code: 0, stderr: expect.stringMatching(/^ok: logged out of your namespace: \d keys\n$/) },
  });
  expect(await ward('action', 'list', '--auth', viewer)).toMatchObject({ code: 4 });
});

test('a pipeline logs in with the token in a file; no trace shows token or key', async () => {
  const path = join(folder, 'token');
  await writeFile(path, `${await provider.token('https://ci.example.com')}\n`);
  const login = await ward('login', '--token-file', path, '--debug');
  expect(login.stderr).toContain('logged in to guest (deploy)');
  expect(login.code).toBe(0);
  const [, secret = ''] = (await keyInUse()).split(':');
  expect(secret).not.toBe('');
  for (const hidden of [secret, await readFile(path, 'utf8')])
    expect(login.stderr).not.toContain(hidden.trim());
  expect(await ward('login', '--token-file', path)).toMatchObject({ code: 4 });
});

test('a key that cannot be renewed is used until it ends, with a warning', async () => {
  const { key, keyId } = await api.functions.namespaces.createKey('guest', { scope: 'read' });
  const client = { issuer: provider.issuer, clientId: deviceClient };
  const login = { apihost, namespace: 'guest', keyId, expiresAt: 1, client, refreshToken: 'stale' };
  await writeFile(file, `AUTH=${key}\n`);
  await writeFile(`${file}.login`, JSON.stringify(login));
  const { code, stderr } = await ward('action', 'list');
  expect(code).toBe(0);
  expect(stderr).toContain('warning: the key of your login could not be renewed');
  // Another server, another key and a broken file have nothing to renew.
  for (const content of [
    JSON.stringify({ ...login, apihost: 'https://x' }),
    JSON.stringify({ ...login, keyId: 'x' }),
    '{',
  ]) {
    await writeFile(`${file}.login`, content);
    expect(await ward('action', 'list')).toMatchObject({ code: 0, stderr: '' });
  }
});

test.each([
  [['logout'], 4, 'the key in use is not from a login'],
  [['login', '--issuer', 'https://other.example.com'], 5, 'nobody can log in at this server'],
  [['login', '--token-file', '/nonexistent'], 2, "can't be read"],
] as const)('%j is refused', async (args, code, text) => {
  const ended = await ward(...args);
  expect(ended.stderr).toContain(text);
  expect(ended.code).toBe(code);
});

async function keyInUse(): Promise<string> {
  return /^AUTH=(.*)$/m.exec(await readFile(file, 'utf8'))?.[1] ?? '';
}
