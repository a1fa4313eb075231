/** Hostile issuers over real connections, and issuers to which no connection is made. */
import type { ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { egressCeilingSchema, parseEgress } from '../egress/index.ts';
import { makeAuthority, type TestAuthority } from '../lib/key-pairs.fixture.ts';
import { fetchDocument } from './fetch-document.ts';
import { parseIssuer } from './issuer.ts';
import { loadIssuerKeys } from './issuer-documents.ts';
import { newKey, sign } from './tokens.fixture.ts';

type Answer = (reply: ServerResponse, path: string) => void;

const key = newKey('first');
let authority: TestAuthority;
let answer: Answer = () => {};
const asked: string[] = [];
let base: string;
const server = createServer((request, reply) => {
  asked.push(`${request.headers.host} ${request.url}`);
  answer(reply, request.url ?? '');
});

beforeAll(async () => {
  authority = await makeAuthority();
  server.setSecureContext(await authority.issue(['idp.example.com']));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await authority?.[Symbol.asyncDispose]();
});

const must = (text: string) => parseIssuer(text) ?? expect.fail(`${text} is not an issuer`);
const json = (reply: ServerResponse, value: unknown) => reply.end(JSON.stringify(value));
const discovery = (more: object = {}) => ({ issuer: base, jwks_uri: `${base}/jwks`, ...more });
/** Answers as it should, with these keys. */
const good =
  (keys: unknown = [key.publicJwk], more: object = {}): Answer =>
  (reply, path) =>
    json(reply, path === '/jwks' ? { keys } : discovery(more));

function load(issuer = base, more: Partial<Parameters<typeof loadIssuerKeys>[0]> = {}) {
  asked.length = 0;
  return loadIssuerKeys({
    listed: [{ issuer: must(base), ca: authority.cert }],
    ceiling: { public: true, rules: [] },
    rulesOf: async () => undefined,
    ...more,
  })({ issuer: must(issuer), namespace: 'guest' });
}

test('a listed issuer may be anywhere, and its keys are found', async () => {
  answer = good();
  const keys = await load();
  const [header = ''] = (await sign(key)).split('.');
  const parsed = JSON.parse(Buffer.from(header, 'base64url').toString());
  await expect(keys(parsed, { payload: '', signature: '' })).resolves.toBeDefined();
  expect(asked.map((line) => line.split(' ')[1])).toEqual(['/.well-known/openid-configuration', '/jwks']);
});

describe('refused, what an issuer answers:', () => {
  const redirect: Answer = (reply, path) =>
    path === '/there' ? good()(reply, path) : reply.writeHead(302, { location: '/there' }).end();
  const rsa = { kty: 'RSA', kid: 'first', e: 'AQAB' };
  test.each<[string, string, () => Answer]>([
    ['a redirect', 'the status is 302', () => redirect],
    ['a failure', 'the status is 500', () => (reply) => reply.writeHead(500).end('{}')],
    ['no JSON', 'not valid JSON', () => (reply) => reply.end('<html>')],
    [
      'another issuer in its document',
      'names another issuer',
      () => good([], { issuer: 'https://login.example.com' }),
    ],
    ['its own name with a slash', 'names another issuer', () => good([], { issuer: `${base}/` })],
    ['no issuer', 'has no issuer', () => good([], { issuer: undefined })],
    ['keys over http', 'not at an https URL', () => good([], { jwks_uri: base.replace('https', 'http') })],
    ['keys in a file', 'not at an https URL', () => good([], { jwks_uri: 'file:///etc/passwd' })],
    [
      'keys at a private address',
      'is a private network',
      () => good([], { jwks_uri: 'https://10.0.0.1/jwks' }),
    ],
    [
      'keys at another port of this machine',
      'is loopback',
      () => good([], { jwks_uri: 'https://127.0.0.1:1/jwks' }),
    ],
    [
      'keys at a metadata service',
      'is link-local',
      () => good([], { jwks_uri: 'https://169.254.169.254/jwks' }),
    ],
    [
      'keys that need a password',
      'not at an https URL',
      () => good([], { jwks_uri: base.replace('//', '//a:b@') }),
    ],
    [
      'thousands of keys',
      'more than 262144 bytes',
      () => good(Array.from({ length: 5000 }, () => key.publicJwk)),
    ],
    [
      'fifty-one keys',
      'not a list of at most 50',
      () => good(Array.from({ length: 51 }, () => key.publicJwk)),
    ],
    ['a list that is none', 'not a list of at most 50', () => good({ length: 1 })],
    ['no keys', 'no public key', () => good([])],
    [
      'only keys that are not public',
      'no public key',
      () => good([{ kty: 'oct', kid: 'first', k: 'c2VjcmV0' }]),
    ],
    ['a weak key', 'no public key', () => good([{ ...rsa, n: 'x'.repeat(171) }])],
    ['a key that is slow to use', 'no public key', () => good([{ ...rsa, n: 'x'.repeat(2731) }])],
    [
      'a key with a slow exponent',
      'no public key',
      () => good([{ ...rsa, n: 'x'.repeat(342), e: 'x'.repeat(342) }]),
    ],
    [
      'an announced size',
      'no answer in 400 ms',
      () => (reply) => reply.writeHead(200, { 'content-length': 1e9 }).write('{'),
    ],
    ['bytes without an end', 'more than 262144 bytes', () => endless],
    [
      'a bomb of compressed bytes',
      'is compressed',
      () => (reply) => reply.writeHead(200, { 'content-encoding': 'gzip' }).end(),
    ],
    ['nothing', 'no answer in 400 ms', () => () => {}],
    ['a byte now and then', 'no answer in 400 ms', () => dripping],
    ['a broken connection', 'socket hang up', () => (reply) => reply.destroy()],
  ])('%s: %s', async (_what, why, make) => {
    answer = make();
    await expect(load(base, { timeoutMs: 400 })).rejects.toThrow(why);
    expect(asked.length).toBeLessThanOrEqual(2);
    expect(asked.some((line) => line.endsWith('/there'))).toBe(false);
  });

  const endless: Answer = (reply) => {
    const more = () => void (reply.destroyed || reply.write('x'.repeat(65_536), more));
    more();
  };
  const dripping: Answer = (reply) => {
    const timer = setInterval(() => reply.write(' '), 20);
    reply.once('close', () => clearInterval(timer));
  };
});

describe('an issuer that no connection is made to:', () => {
  const resolve = async (name: string) => [names[name] ?? '10.0.0.1'];
  const names: Record<string, string> = {
    localhost: '127.0.0.1',
    'own.example.com': '127.0.0.1',
    'inside.example.com': '10.1.2.3',
    'mapped.example.com': '::ffff:127.0.0.1',
    'metadata.example.com': '169.254.169.254',
    'local.example.com': 'fe80::1',
    'unique.example.com': 'fd00::1',
  };
  test.each([
    ['https://127.0.0.1:4443', 'is loopback'],
    ['https://[::1]', 'is loopback'],
    ['https://[::ffff:7f00:1]', 'is an embedded IPv4 address'],
    ['https://10.0.0.1', 'is a private network'],
    ['https://169.254.169.254', 'is link-local'],
    ['https://[fd00:ec2::254]', 'is a private network'],
    ['https://localhost', 'is loopback'],
    ['https://own.example.com', 'is loopback'],
    ['https://inside.example.com', 'is a private network'],
    ['https://mapped.example.com', 'is an embedded IPv4 address'],
    ['https://metadata.example.com', 'is link-local'],
    ['https://local.example.com', 'is link-local'],
    ['https://unique.example.com', 'is a private network'],
  ])('%s: %s', async (issuer, why) => {
    await expect(load(issuer, { resolve })).rejects.toThrow(why);
    expect(asked).toEqual([]);
  });

  test('one that the operator’s outbound rules do not allow', async () => {
    const ceiling = egressCeilingSchema.parse(['login.example.org:443']);
    for (const host of ['login.example.com:443', 'login.example.org:444']) {
      const loading = load(`https://${host.replace(':443', '')}`, { resolve, ceiling });
      await expect(loading).rejects.toThrow(`tcp ${host} is not allowed`);
    }
  });

  test('one that the rules of its namespace do not allow', async () => {
    const rulesOf = async () => parseEgress(['login.example.org:443']);
    const loading = load('https://login.example.com', { resolve, rulesOf });
    await expect(loading).rejects.toThrow('tcp login.example.com:443 is not allowed');
  });

  test('one that is not listed, if the operator allows no others', async () => {
    const seen = vi.fn(resolve);
    const ceiling = { public: false, rules: [] };
    await expect(load('https://login.example.com', { resolve: seen, ceiling })).rejects.toMatchObject({
      code: 'EGRESS_EXCEEDED',
    });
    expect(seen).not.toHaveBeenCalled();
  });
});

describe('the connection', () => {
  const url = () => new URL(base.replace('127.0.0.1', 'idp.example.com'));
  const place = () => ({ url: url(), address: '127.0.0.1', ca: authority.cert as string | undefined });

  test('goes to the address that was checked, under the name of the issuer', async () => {
    answer = good();
    asked.length = 0;
    await fetchDocument(place(), AbortSignal.timeout(5000));
    expect(asked).toEqual([`${url().host} /`]);
  });

  test('is made only to a server with a certificate for that name', async () => {
    const other = new URL(base.replace('127.0.0.1', 'other.example.com'));
    const signal = AbortSignal.timeout(5000);
    await expect(fetchDocument({ ...place(), url: other }, signal)).rejects.toMatchObject({
      code: 'ERR_TLS_CERT_ALTNAME_INVALID',
    });
    await expect(fetchDocument({ ...place(), ca: undefined }, signal)).rejects.toThrow();
  });

  test('ignores a proxy of the environment', async () => {
    vi.stubEnv('HTTPS_PROXY', 'http://127.0.0.1:1');
    await expect(fetchDocument(place(), AbortSignal.timeout(5000))).resolves.toBeDefined();
    vi.unstubAllEnvs();
  });
});

test.each([
  'http://login.example.com',
  'https://user@login.example.com',
  'https://login.example.com?a=b',
  'https://login.example.com/#',
  'https://LOGIN.example.com',
  'https://login.example.com:443',
  'https://login.example.com/a/../b',
  'https://login.example.com/\n',
  ' https://login.example.com',
  'https://',
  'login.example.com',
  'file:///etc/passwd',
  `https://login.example.com/${'x'.repeat(512)}`,
  null,
])('%j is not an issuer', (text) => expect(parseIssuer(text)).toBeUndefined());

test.each(['https://login.example.com', 'https://login.example.com/', 'https://[::1]:8443/realms/a'])(
  '%j is an issuer',
  (text) => expect(parseIssuer(text)).toBe(text),
);
