import { createHmac, createPublicKey } from 'node:crypto';
import { describe, expect, test, vi } from 'vitest';
import { oidcFault } from './faults.ts';
import type { IssuerKeys } from './issuer-keys.ts';
import { keysOf } from './key-set.ts';
import { audience, claims, demand, issuer, madeAt, newKey, rawToken, sign } from './tokens.fixture.ts';
import { createTokens } from './tokens.ts';

const key = newKey('first');
const invalid = { code: 'OIDC_TOKEN_INVALID', kind: 'unauthenticated' };

/** A check with these keys, at the time when the tests' tokens were made. */
function checker(keys: readonly object[] = [key.publicJwk]) {
  const clock = { now: madeAt * 1000 };
  const read = vi.fn<IssuerKeys['keys']>(async () => keysOf({ keys }));
  const readNewer = vi.fn<IssuerKeys['newerKeys']>(async () => undefined);
  const issuerKeys = { keys: read, newerKeys: readNewer };
  const tokens = createTokens({ issuerKeys, now: () => clock.now });
  return { clock, read, readNewer, check: (token: string) => tokens.check(token, demand, 'guest'), tokens };
}

test('a valid token has its claims', async () => {
  const { check, read } = checker();
  expect(await check(await sign(key, { email: 'ada@example.com' }))).toMatchObject({
    ...claims,
    email: 'ada@example.com',
  });
  expect(read).toHaveBeenCalledWith({ issuer, namespace: 'guest' });
});

test.each<[string, Parameters<typeof sign>[1]]>([
  ['one of several audiences', { aud: ['other', audience] }],
  ['an end that the clocks’ tolerance still covers', { exp: madeAt - 29 }],
  ['a beginning that the clocks’ tolerance already covers', { nbf: madeAt + 29 }],
])('%s is accepted', async (_what, changes) => {
  await expect(checker().check(await sign(key, changes))).resolves.toBeDefined();
});

describe('refused without asking the issuer:', () => {
  const header = { alg: 'ES256', kid: 'first' };
  const deep = JSON.parse(`${'['.repeat(20)}${']'.repeat(20)}`);
  test.each<[string, () => string | Promise<string>]>([
    ['another issuer', () => sign(key, { iss: 'https://evil.example.com' })],
    ['an issuer with another spelling', () => sign(key, { iss: `${issuer}/` })],
    ['no issuer', () => rawToken(header, { ...claims, iss: undefined }, 'AA')],
    ['another audience', () => sign(key, { aud: 'https://other.example.com' })],
    ['no audience', () => rawToken(header, { ...claims, aud: undefined }, 'AA')],
    ['an audience in part', () => sign(key, { aud: `${audience}.evil.com` })],
    ['expired', () => sign(key, { exp: madeAt - 31 })],
    ['no end', () => rawToken(header, { ...claims, exp: undefined }, 'AA')],
    ['an end that is text', () => rawToken(header, { ...claims, exp: '9999999999' }, 'AA')],
    ['not valid yet', () => sign(key, { nbf: madeAt + 31 })],
    ['alg none', () => rawToken({ alg: 'none' }, claims)],
    ['alg NoNe', () => rawToken({ alg: 'NoNe' }, claims)],
    ['no alg', () => rawToken({ kid: 'first' }, claims, 'AA')],
    ['a list of algs', () => rawToken({ alg: ['ES256', 'none'] }, claims, 'AA')],
    ['critical headers', () => rawToken({ ...header, crit: ['b64'], b64: true }, claims, 'AA')],
    ['an empty list of critical headers', () => rawToken({ ...header, crit: [] }, claims, 'AA')],
    ['a logout token', () => sign(key, {}, { typ: 'logout+jwt' })],
    ['a proof of DPoP', () => sign(key, {}, { typ: 'dpop+jwt' })],
    ['bound to a key', () => sign(key, { cnf: { jkt: 'x' } })],
    ['no subject', () => rawToken(header, { ...claims, sub: undefined }, 'AA')],
    ['a subject that is no text', () => rawToken(header, { ...claims, sub: { a: 1 } }, 'AA')],
    ['too large', () => sign(key, { pad: 'x'.repeat(8192) })],
    ['too deep', () => sign(key, { deep })],
    ['a payload that is a list', () => rawToken(header, [claims], 'AA')],
    ['two parts', async () => (await sign(key)).split('.').slice(0, 2).join('.')],
    ['five parts, as an encrypted token', () => `${rawToken(header, claims)}.AA.AA`],
    ['no JSON', () => 'a.b.c'],
    ['nothing', () => ''],
  ])('%s', async (_what, make) => {
    const { check, read } = checker();
    await expect(check(await make())).rejects.toMatchObject(invalid);
    expect(read).not.toHaveBeenCalled();
  });
});

describe('refused by the signature:', () => {
  test('HS256 with the public key as its secret', async () => {
    const publicKey = createPublicKey({ key: key.publicJwk, format: 'jwk' });
    const pem = publicKey.export({ type: 'spki', format: 'pem' });
    const text = rawToken({ alg: 'HS256', kid: 'first' }, claims);
    const signature = createHmac('sha256', pem).update(text.slice(0, -1)).digest('base64url');
    await expect(checker().check(text + signature)).rejects.toMatchObject(invalid);
  });

  test.each<[string, () => Promise<string>]>([
    ['another key of the same name', () => sign(newKey('first'))],
    ['a key that the token brings', () => sign(newKey('first'), {}, { jwk: newKey('first').publicJwk })],
    [
      'a key at a URL that the token names',
      () => sign(newKey('first'), {}, { jku: 'https://evil.example.com' }),
    ],
    ['a changed payload', async () => changed(await sign(key))],
    ['no signature', async () => (await sign(key)).replace(/[^.]*$/, '')],
  ])('%s', async (_what, make) => {
    await expect(checker().check(await make())).rejects.toMatchObject(invalid);
  });

  test.each(['unknown', '../../etc/passwd', 'first\0', '', '__proto__'])('the key %j', async (kid) => {
    const { check, readNewer } = checker();
    await expect(check(await sign(key, {}, { kid }))).rejects.toMatchObject(invalid);
    expect(readNewer).toHaveBeenCalledTimes(1);
  });

  test('a token that does not say which of two keys made it', async () => {
    const { check } = checker([key.publicJwk, newKey('second').publicJwk]);
    await expect(check(await sign(key, {}, { kid: undefined }))).rejects.toMatchObject(invalid);
  });

  test.each<[string, object]>([
    ['for encryption', { use: 'enc' }],
    ['of another algorithm', { alg: 'ES384' }],
    ['on no curve', { x: 'AAAA' }],
  ])('a key %s', async (_what, changes) => {
    const { check } = checker([{ ...key.publicJwk, ...changes }]);
    await expect(check(await sign(key))).rejects.toMatchObject(invalid);
  });
});

test('a key that the issuer has begun to use is found', async () => {
  const { check, readNewer } = checker();
  const next = newKey('next');
  readNewer.mockResolvedValueOnce(await keysOf({ keys: [key.publicJwk, next.publicJwk] }));
  await expect(check(await sign(next))).resolves.toMatchObject({ sub: 'ada' });
});

describe('scopes', () => {
  const asks = { ...demand, scopes: ['read', 'write'] };
  test.each([[{ scope: 'read write more' }], [{ scp: ['read', 'write'] }], [{ scp: 'read write' }]])(
    '%j are enough',
    async (changes) => {
      await expect(checker().tokens.check(await sign(key, changes), asks, 'guest')).resolves.toBeDefined();
    },
  );

  test.each([
    [{}],
    [{ scope: 'read' }],
    [{ scope: 'readwrite' }],
    [{ scope: ['read', 4] }],
    [{ scope: null }],
  ])('%j are not', async (changes) => {
    const token = await sign(key, changes);
    await expect(checker().tokens.check(token, asks, 'guest')).rejects.toMatchObject({
      code: 'OIDC_SCOPE_MISSING',
      details: { scope: 'read write' },
    });
  });
});

describe('a valid token', () => {
  test('is remembered for a minute', async () => {
    const { check, read, clock } = checker();
    const token = await sign(key);
    await check(token);
    clock.now += 59_999;
    await check(token);
    expect(read).toHaveBeenCalledTimes(1);
    clock.now += 1;
    await check(token);
    expect(read).toHaveBeenCalledTimes(2);
  });

  test('is not remembered after its end', async () => {
    const { check, clock } = checker();
    const token = await sign(key, { exp: madeAt + 5 });
    await check(token);
    clock.now += 40_000;
    await expect(check(token)).rejects.toMatchObject(invalid);
  });

  test('is not valid for another audience or scope because it is remembered', async () => {
    const { check, tokens } = checker();
    const token = await sign(key);
    await check(token);
    await expect(tokens.check(token, { ...demand, audiences: ['x'] }, 'guest')).rejects.toMatchObject(
      invalid,
    );
    await expect(tokens.check(token, { ...demand, scopes: ['x'] }, 'guest')).rejects.toMatchObject({
      code: 'OIDC_SCOPE_MISSING',
    });
  });

  test('of one namespace’s issuer is not remembered for another namespace', async () => {
    const { check, tokens, read } = checker();
    const token = await sign(key);
    await check(token);
    await tokens.check(token, demand, 'other');
    expect(read).toHaveBeenCalledTimes(2);
  });
});

test('the fault of an issuer without keys stays what it is', async () => {
  const { check, read, readNewer } = checker();
  const down = oidcFault('OIDC_UNAVAILABLE', 'down');
  read.mockRejectedValueOnce(down);
  await expect(check(await sign(key))).rejects.toBe(down);
  readNewer.mockRejectedValueOnce(down);
  await expect(check(await sign(newKey('new')))).rejects.toBe(down);
});

function changed(token: string): string {
  const [header = '', , signature = ''] = token.split('.');
  const payload = Buffer.from(JSON.stringify({ ...claims, sub: 'root' })).toString('base64url');
  return `${header}.${payload}.${signature}`;
}
