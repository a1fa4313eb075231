import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { oidcSchema, oidcSetting } from './oidc-setting.ts';

const issuer = 'https://login.example.com';
const github = 'https://token.actions.githubusercontent.com';
const grant = { claims: { groups: 'ops' }, namespace: 'guest', role: 'developer' };
const login = { issuer, audience: 'ward', grants: [grant] };

test('issuers of logins and of require-adobe-auth count as listed, once', async () => {
  const adobeAuth = { issuer: 'https://adobe.example.com', audience: ['a', 'b'], scopes: 'x y' };
  const file = { issuers: [{ issuer }], adobeAuth, logins: [login, { ...login, audience: ['ci'] }] };
  const setting = await oidcSetting(oidcSchema.parse(file));
  expect(setting.listed.map((each) => each.issuer)).toEqual([issuer, adobeAuth.issuer]);
  expect(setting.adobeAuth).toEqual({ issuer: adobeAuth.issuer, audiences: ['a', 'b'], scopes: ['x', 'y'] });
  expect(setting.logins).toMatchObject([
    { audiences: ['ward'], client: undefined, keyMs: 3_600_000, grants: [{ claims: { groups: ['ops'] } }] },
    { audiences: ['ci'] },
  ]);
});

test('values of claims are compared as text', async () => {
  const claims = { protected: true, id: 12, ref: ['a', 2] };
  const setting = await oidcSetting(
    oidcSchema.parse({ logins: [{ ...login, grants: [{ ...grant, claims }] }] }),
  );
  expect(setting.logins[0]?.grants[0]?.claims).toEqual({ protected: ['true'], id: ['12'], ref: ['a', '2'] });
});

test('certificates of a private authority must be there', async () => {
  const file = oidcSchema.parse({ issuers: [{ issuer, caFile: '/nonexistent/ca.pem' }] });
  await expect(oidcSetting(file)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
});

test('the console is a client with a secret in a file that only Ward reads', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'ward-oidc-'));
  const secretFile = join(folder, 'secret');
  const console = { clientId: 'console', operators: [{ groups: ['admins', 'root'] }] };
  const read = async (more: object) =>
    (await oidcSetting(oidcSchema.parse({ logins: [{ ...login, console: { ...console, ...more } }] })))
      .logins[0]?.console;
  expect(await read({})).toEqual({ ...console, secret: undefined, scopes: 'openid' });
  await writeFile(secretFile, 'top secret\n', { mode: 0o600 });
  expect(await read({ secretFile, scopes: 'openid groups' })).toMatchObject({
    ...{ secret: 'top secret', scopes: 'openid groups' },
  });
  await chmod(secretFile, 0o644);
  await expect(read({ secretFile })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  await rm(folder, { recursive: true });
  await expect(read({ secretFile })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  // An operator is never everybody.
  await expect(read({ operators: [{}] })).rejects.toThrow('at least one claim is needed');
});

test('rules for GitHub’s and GitLab’s pipelines must say whose they are', () => {
  const of = (claims: object, from = github) =>
    oidcSchema.safeParse({ logins: [{ ...login, issuer: from, grants: [{ ...grant, claims }] }] }).success;
  expect(of({ ref: 'refs/heads/main', environment: 'production' })).toBe(false);
  expect(of({ ref: 'main' }, 'https://gitlab.com')).toBe(false);
  expect(of({ ref: 'main' }, issuer)).toBe(true);
  expect(of({ repository: 'acme/shop', ref: 'refs/heads/main' })).toBe(true);
  const console = { clientId: 'console', operators: [{ groups_direct: 'acme' }] };
  const grants = [{ ...grant, claims: { sub: '1' } }];
  expect(
    oidcSchema.safeParse({ logins: [{ ...login, issuer: 'https://gitlab.com', console, grants }] }).success,
  ).toBe(false);
  expect(of({ project_path: 'acme/shop' }, 'https://gitlab.com')).toBe(true);
});

test.each([
  { issuers: [{ issuer: 'http://login.example.com' }] },
  { issuers: [{ issuer: `${issuer}?a` }] },
  { adobeAuth: { issuer } },
  { adobeAuth: { issuer, audience: [] } },
  { logins: [{ ...login, grants: [] }] },
  { logins: [{ ...login, grants: [{ ...grant, claims: {} }] }] },
  { logins: [{ ...login, grants: [{ ...grant, claims: { groups: [] } }] }] },
  { logins: [{ ...login, grants: [{ ...grant, role: 'root' }] }] },
  { logins: [{ ...login, grants: [{ ...grant, claims: { groups: '' } }] }] },
  { logins: [{ ...login, audience: undefined }] },
  { logins: [{ ...login, keyMinutes: 0 }] },
  { allow: ['127.0.0.1:443'] },
])('%j is refused', (file) => {
  expect(oidcSchema.safeParse(file).success).toBe(false);
});
