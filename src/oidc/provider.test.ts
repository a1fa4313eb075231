/** Tokens of a real OpenID provider. */
import { expect, test } from 'vitest';
import { silentLog } from '../lib/index.ts';
import { loadIssuerKeys } from './issuer-documents.ts';
import { createIssuerKeys } from './issuer-keys.ts';
import { startProvider } from './provider.fixture.ts';
import { createTokens } from './tokens.ts';

test('are accepted for their audience and scopes, also after the provider has changed its keys', async () => {
  await using provider = await startProvider();
  const { issuer, authority } = provider;
  const clock = { now: 1_000_000 };
  const load = loadIssuerKeys({
    listed: [{ issuer, ca: authority.cert }],
    ceiling: { public: false, rules: [] },
    rulesOf: async () => undefined,
  });
  const issuerKeys = createIssuerKeys({ load, log: silentLog, now: () => clock.now });
  const tokens = createTokens({ issuerKeys });
  const audience = 'https://ward.example.com';
  const check = (token: string, scopes: readonly string[] = []) =>
    tokens.check(token, { issuer, audiences: [audience], scopes }, 'guest');

  const old = await provider.token(audience, 'read');
  expect(await check(old, ['read'])).toMatchObject({ sub: 'robot', aud: audience, scope: 'read' });
  await expect(check(old, ['write'])).rejects.toMatchObject({ code: 'OIDC_SCOPE_MISSING' });
  const foreign = await provider.token('https://other.example.com');
  await expect(check(foreign)).rejects.toMatchObject({ code: 'OIDC_TOKEN_INVALID' });

  provider.rotate();
  const next = await provider.token(audience);
  await expect(check(next)).rejects.toMatchObject({ code: 'OIDC_TOKEN_INVALID' });
  clock.now += 30_000;
  expect(await check(next)).toMatchObject({ sub: 'robot' });
});
