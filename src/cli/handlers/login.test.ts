/** `ward login` and `logout` against a real OpenID provider and the real API. */
import { existsSync } from 'node:fs';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer, request as requestHttp, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { deviceClient } from '../../oidc/provider.fixture.ts';
import { runInProcess } from '../in-process.fixture.ts';
import { loginByRefresh } from '../login/issuer.ts';
import { expireLogin, keyIn, type LoginPlace, startLoginPlace } from '../login/login.fixture.ts';

let place: LoginPlace;
let file: string;

beforeAll(async () => {
  place = await startLoginPlace();
});
afterAll(() => place?.[Symbol.asyncDispose]());
let count = 0;
beforeEach(() => {
  place.provider.watch(() => false);
  file = join(place.folder, `wskprops-${++count}`);
});

const ward = (...args: string[]) => runInProcess(args, { env: place.envFor(file) });
const keyInUse = () => keyIn(file);
const storedLogin = async () => JSON.parse(await readFile(`${file}.login`, 'utf8'));

test('a login stores a short key, which is renewed while it is used, until the logout', async () => {
  place.provider.approveAs('ada');
  const login = await ward('login', '--namespace', 'guest');
  expect(login.stderr).toMatch(/^ok: open https:\/\/127\.0\.0\.1:\d+\/device\?user_code=\S+ in a browser/);
  expect(login.stderr).toContain('ok: logged in to guest (read) until ');
  expect(login.code).toBe(0);
  for (const path of [file, `${file}.login`]) expect((await stat(path)).mode & 0o777).toBe(0o600);
  const first = await keyInUse();
  expect(await ward('action', 'list')).toMatchObject({ code: 0 });
  expect(await keyInUse()).toBe(first);

  await expireLogin(file);
  expect(await ward('action', 'list')).toMatchObject({ code: 0, stderr: '' });
  const second = await keyInUse();
  expect(second).not.toBe(first);

  expect(await ward('logout')).toMatchObject({ code: 0, stderr: 'ok: logged out of guest\n' });
  expect(existsSync(`${file}.login`)).toBe(false);
  expect(await ward('action', 'list', '--auth', second)).toMatchObject({ code: 4 });
  expect(await ward('action', 'list')).toMatchObject({ code: 4 });
});

test('a logout revokes the refresh token at the issuer', async () => {
  place.provider.approveAs('ada');
  await ward('login', '--namespace', 'guest');
  const { refreshToken: token } = await storedLogin();
  const client = { issuer: place.provider.issuer, clientId: deviceClient };
  const { refreshToken } = await loginByRefresh(client, token);
  await writeFile(`${file}.login`, (await readFile(`${file}.login`, 'utf8')).replace(token, refreshToken));
  expect(await ward('logout')).toMatchObject({ code: 0, stderr: 'ok: logged out of guest\n' });
  await expect(loginByRefresh(client, refreshToken)).rejects.toMatchObject({
    code: 'LOGIN_FAILED',
    cause: { error: 'invalid_grant' },
  });
});

test('a second login revokes the refresh token of the first, before it has one of its own', async () => {
  const { provider } = place;
  provider.approveAs('ada');
  await ward('login', '--namespace', 'guest');
  const { refreshToken: first } = await storedLogin();
  const asked: (string | undefined)[] = [];
  provider.watch(({ url }) => {
    if (url?.startsWith('/token')) asked.push(url);
    return false;
  });
  const { code, stderr } = await ward('login', '--namespace', 'guest');
  expect([code, stderr]).toEqual([0, expect.not.stringContaining('warning')]);
  expect(asked[0]).toBe('/token/revocation');
  expect(asked.filter((url) => url === '/token/revocation')).toHaveLength(1);
  const client = { issuer: provider.issuer, clientId: deviceClient };
  const invalid = { code: 'LOGIN_FAILED', cause: { error: 'invalid_grant' } };
  await expect(loginByRefresh(client, first)).rejects.toMatchObject(invalid);
  const second = await keyInUse();
  await expireLogin(file);
  expect(await ward('action', 'list')).toMatchObject({ code: 0, stderr: '' });
  expect(await keyInUse()).not.toBe(second);
});

test('after a second login that failed, the key of the first works until it ends, and is not renewed', async () => {
  const { provider } = place;
  provider.approveAs('ada');
  await ward('login', '--namespace', 'guest');
  const key = await keyInUse();
  provider.watch(({ url }, reply) => {
    if (url !== '/token') return false;
    reply.writeHead(400, { 'content-type': 'application/json' }).end('{"error":"access_denied"}');
    return true;
  });
  expect((await ward('login', '--namespace', 'guest')).code).not.toBe(0);
  expect(await storedLogin()).not.toHaveProperty('refreshToken');
  await expireLogin(file);
  expect(await ward('action', 'list')).toMatchObject({ code: 0, stderr: '' });
  expect(await keyInUse()).toBe(key);
});

test('below a prefix, a login is renewed and ends there', async () => {
  place.provider.approveAs('ada');
  await using proxy = await startPrefixProxy(place.apihost);
  const below = (...args: string[]) =>
    runInProcess(args, { env: { ...place.envFor(file), WARD_APIHOST: `${proxy.url}/ward/` } });
  expect(await below('login', '--namespace', 'guest')).toMatchObject({ code: 0 });
  expect((await storedLogin()).apihost).toBe(`${proxy.url}/ward`);
  const first = await keyInUse();
  await expireLogin(file);
  expect(await below('action', 'list')).toMatchObject({ code: 0, stderr: '' });
  expect(await keyInUse()).not.toBe(first);
  // The settings file has the address, too.
  const { WARD_APIHOST: _, ...env } = place.envFor(file);
  expect(await runInProcess(['logout'], { env })).toMatchObject({
    ...{ code: 0, stderr: 'ok: logged out of guest\n' },
  });
});

test('a login that can’t lock the settings says so', async () => {
  place.provider.approveAs('ada');
  await mkdir(`${file}.lock`);
  const { code, stderr } = await ward('login', '--namespace', 'guest');
  expect(code).not.toBe(0);
  expect(stderr).toMatch(/^error\[FILE_NOT_WRITTEN\]: .*\.lock can't be locked/);
});

test('a login by another way revokes the refresh token when it is complete', async () => {
  const { provider } = place;
  provider.approveAs('ada');
  await ward('login', '--namespace', 'guest');
  const { refreshToken } = await storedLogin();
  const path = join(place.folder, 'other-token');
  await writeFile(path, 'no token');
  expect((await ward('login', '--token-file', path)).code).not.toBe(0);
  expect((await storedLogin()).refreshToken).toBe(refreshToken);
  await writeFile(path, await provider.token('https://ci.example.com'));
  expect(await ward('login', '--token-file', path)).toMatchObject({ code: 0 });
  const client = { issuer: provider.issuer, clientId: deviceClient };
  await expect(loginByRefresh(client, refreshToken)).rejects.toMatchObject({ code: 'LOGIN_FAILED' });
});

test('an issuer that can’t revoke the first login keeps nobody from a second', async () => {
  const { provider } = place;
  provider.approveAs('ada');
  await ward('login', '--namespace', 'guest');
  const first = await keyInUse();
  provider.watch(({ url }, reply) => {
    if (url === '/token/revocation') reply.writeHead(503).end();
    return url === '/token/revocation';
  });
  const { code, stderr } = await ward('login', '--namespace', 'guest');
  expect(code).toBe(0);
  expect(stderr).toMatch(
    /^warning: the refresh token of your earlier login may still work at https:.*\n(?:.*\n)*ok: logged in/,
  );
  expect(await keyInUse()).not.toBe(first);
});

test.each([
  ['fails', '/token/revocation', (reply: ServerResponse): unknown => reply.writeHead(503).end()],
  ['is gone', '/', (reply: ServerResponse): unknown => reply.destroy()],
] as const)(
  'an issuer that %s keeps nobody from logging out, here or everywhere',
  async (_, below, answer) => {
    const { provider } = place;
    for (const words of [['logout'], ['logout', '--everywhere']]) {
      provider.approveAs('ada');
      await ward('login', '--namespace', 'guest');
      const key = await keyInUse();
      provider.watch(({ url }, reply) => {
        const isMeant = url?.startsWith(below) === true;
        if (isMeant) answer(reply);
        return isMeant;
      });
      const { code, stderr } = await ward(...words);
      expect(code).toBe(0);
      expect(stderr).toMatch(
        /^ok: logged out .*\nwarning: your refresh token may still work at https:\/\/127\.0\.0\.1:\d+ \(/,
      );
      expect(existsSync(`${file}.login`)).toBe(false);
      expect(await ward('action', 'list', '--auth', key)).toMatchObject({ code: 4 });
      provider.watch(() => false);
    }
  },
);

test('an issuer without a revocation endpoint is not asked', async () => {
  const { provider } = place;
  provider.approveAs('ada');
  await ward('login', '--namespace', 'guest');
  const path = '/.well-known/openid-configuration';
  const { revocation_endpoint: endpoint, ...rest } = z
    .record(z.string(), z.unknown())
    .parse(await (await fetch(`${provider.issuer}${path}`)).json());
  expect(endpoint).toBe(`${provider.issuer}/token/revocation`);
  const asked: (string | undefined)[] = [];
  provider.watch(({ url }, reply) => {
    asked.push(url);
    if (url !== path) return false;
    reply.setHeader('content-type', 'application/json');
    reply.end(JSON.stringify(rest));
    return true;
  });
  expect(await ward('logout')).toMatchObject({ code: 0, stderr: 'ok: logged out of guest\n' });
  expect(asked).toEqual([path]);
});

test('a logout at another server is refused, and sends it no key', async () => {
  place.provider.approveAs('ada');
  await ward('login', '--namespace', 'guest');
  expect(await ward('logout', '--apihost', 'http://127.0.0.1:1')).toMatchObject({
    ...{ code: 4, stderr: expect.stringContaining('the key in use is not from a login at this server') },
  });
  expect(await ward('logout')).toMatchObject({ code: 0 });
});

test('a logout everywhere ends the key of another machine too', async () => {
  place.provider.approveAs('ada');
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
  place.provider.approveAs('ada');
  await ward('login', '--namespace', 'guest');
  const viewer = await keyInUse();
  for (const words of [
    ['key', 'create'],
    ['key', 'list'],
    ['member', 'list'],
  ])
    expect(await ward(...words)).toMatchObject({ code: 4, stdout: '' });

  file = `${file}-admin`;
  place.provider.approveAs('bob');
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
  expect(members[0]).toMatchObject({ name: `bob of ${place.provider.issuer}`, role: 'admin' });
  const ada = members.find(({ name }) => name.startsWith('ada '));
  expect(ada?.role).toBe('viewer');
  expect(await ward('member', 'logout', ada?.id ?? '')).toMatchObject({
    ...{ code: 0, stderr: expect.stringMatching(/^ok: logged out of your namespace: \d keys\n$/) },
  });
  expect(await ward('action', 'list', '--auth', viewer)).toMatchObject({ code: 4 });
});

test('a pipeline logs in with the token in a file; no trace shows token or key', async () => {
  const path = join(place.folder, 'token');
  await writeFile(path, `${await place.provider.token('https://ci.example.com')}\n`);
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
  const { key, keyId } = await place.api.functions.namespaces.createKey('guest', { scope: 'read' });
  const client = { issuer: place.provider.issuer, clientId: deviceClient };
  const { apihost } = place;
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

/** Takes the prefix `/ward` off, as the proxies of docs/proxies.md do. */
async function startPrefixProxy(ward: string) {
  const server = createServer((request, reply) => {
    const { method, headers, url = '' } = request;
    if (!url.startsWith('/ward/')) return void reply.end('<p>another page</p>');
    const passed = requestHttp(`${ward}${url.slice('/ward'.length)}`, { method, headers }, (answer) => {
      reply.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(reply);
    });
    request.pipe(passed);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}
