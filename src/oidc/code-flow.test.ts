/** The code flow with an issuer that lies, is slow, or is down. `src/api/console/issuer-logins.test.ts` has an honest one. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { silentLog } from '../lib/index.ts';
import { makeAuthority, type TestAuthority } from '../lib/key-pairs.fixture.ts';
import { createCodeFlow } from './code-flow.ts';
import { type Issuer, parseIssuer } from './issuer.ts';
import { newKey, rawToken, sign } from './tokens.fixture.ts';

const key = newKey('first');
const browser = { secret: 's'.repeat(43), redirectUri: 'https://ward.example.com/console/session/callback' };
let authority: TestAuthority;
let issuer: Issuer;
let discovery: object | undefined;
let tokenAnswer: (reply: ServerResponse) => void;
let asked: string[] = [];
let form = new URLSearchParams();

async function serve(request: IncomingMessage, reply: ServerResponse): Promise<void> {
  asked.push(request.url ?? '');
  reply.setHeader('content-type', 'application/json');
  if (request.url !== '/token') {
    const usual = { issuer, authorization_endpoint: `${issuer}/auth`, token_endpoint: `${issuer}/token` };
    const more = {
      ...{ jwks_uri: `${issuer}/jwks`, authorization_response_iss_parameter_supported: true },
      id_token_signing_alg_values_supported: ['ES256'],
    };
    reply.end(JSON.stringify({ ...usual, ...more, ...discovery }));
    return;
  }
  form = new URLSearchParams(await text(request));
  tokenAnswer(reply);
}
const server = createServer((request, reply) => void serve(request, reply));

beforeAll(async () => {
  authority = await makeAuthority();
  server.setSecureContext(await authority.issue());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  issuer = parseIssuer(`https://127.0.0.1:${(server.address() as AddressInfo).port}`) ?? expect.fail();
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await authority?.[Symbol.asyncDispose]();
});

function client(secret?: string) {
  return { issuer, clientId: 'console', secret, scopes: 'openid groups' };
}
function newFlow(now = { at: 0 }) {
  const listed = [{ issuer, ca: authority.cert }];
  return createCodeFlow({ listed, log: silentLog, timeoutMs: 300, now: () => now.at });
}
const answerToken = (token: string) => (reply: ServerResponse) =>
  reply.end(JSON.stringify({ access_token: 'a', token_type: 'bearer', id_token: token }));

/** Begins a login, and comes back with what the issuer sends. */
async function login(changes: object = {}, query: Record<string, string> = {}, secret?: string) {
  asked = [];
  const flow = newFlow();
  const url = await flow.begin(client(secret), browser, true);
  const { state = '', nonce = '' } = Object.fromEntries(url.searchParams);
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: issuer, aud: 'console', nonce, iat: now, exp: now + 60 };
  const token = await sign(key, { ...claims, ...changes });
  if (tokenAnswer === honest) tokenAnswer = answerToken(token);
  const given = new URLSearchParams({ code: 'c', state, iss: issuer, ...query });
  try {
    return { token, got: await flow.finish(client(secret), browser, `?${given}`), url };
  } finally {
    tokenAnswer = honest;
  }
}
const honest = () => {};
tokenAnswer = honest;

test('an honest issuer gets the code with the verifier, and with the secret of a client that has one', async () => {
  const { token, got, url } = await login({}, {}, 'top secret');
  expect(got).toBe(token);
  expect(Object.fromEntries(form)).toMatchObject({
    ...{ grant_type: 'authorization_code', code: 'c', redirect_uri: browser.redirectUri },
    ...{ client_id: 'console', client_secret: 'top secret' },
  });
  const verifier = form.get('code_verifier') ?? '';
  const bytes = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier));
  expect(url.searchParams.get('code_challenge')).toBe(Buffer.from(bytes).toString('base64url'));
  expect(url.searchParams.get('prompt')).toBe('login');
  // What the URL shows tells nobody what is secret.
  expect(url.href).not.toContain(verifier);
  expect(url.href).not.toContain(browser.secret);
});

test.each<[string, object]>([
  ['for another client', { aud: 'other' }],
  ['for others too, without our name', { aud: ['console', 'other'], azp: 'other' }],
  ['of another issuer', { iss: 'https://evil.example.com' }],
  ['of another login', { nonce: 'n' }],
  ['of no login', { nonce: undefined }],
  ['that has expired', { exp: 1 }],
  ['without an end', { exp: undefined }],
])('an ID token %s is refused', async (_what, changes) => {
  await expect(login(changes)).rejects.toMatchObject({ code: 'OIDC_LOGIN_FAILED' });
  expect(asked).toContain('/token');
});

test.each<[string, Record<string, string>]>([
  ['another state', { state: 'x' }],
  ['an answer of another issuer', { iss: 'https://evil.example.com' }],
  ['an error', { error: 'access_denied' }],
])('%s is refused before the code is sent anywhere', async (_what, query) => {
  await expect(login({}, query)).rejects.toMatchObject({ code: 'OIDC_LOGIN_FAILED' });
  expect(asked).not.toContain('/token');
});

test.each<[string, (reply: ServerResponse) => void, string]>([
  ['no ID token', (reply) => reply.end('{"access_token":"a","token_type":"bearer"}'), 'OIDC_LOGIN_FAILED'],
  [
    'a token that is not signed',
    (reply) => answerToken(rawToken({ alg: 'none' }, {}))(reply),
    'OIDC_LOGIN_FAILED',
  ],
  ['an error', (reply) => reply.writeHead(400).end('{"error":"invalid_grant"}'), 'OIDC_LOGIN_FAILED'],
  ['a redirect', (reply) => reply.writeHead(302, { location: `${issuer}/evil` }).end(), 'OIDC_LOGIN_FAILED'],
  ['more than Ward reads', (reply) => reply.end(Buffer.alloc(300_000)), 'OIDC_UNAVAILABLE'],
  ['503', (reply) => reply.writeHead(503).end(), 'OIDC_UNAVAILABLE'],
  ['nothing', (reply) => reply.destroy(), 'OIDC_UNAVAILABLE'],
  ['nothing for a long time', () => {}, 'OIDC_UNAVAILABLE'],
])('an answer to the code with %s is refused', async (_what, answer, code) => {
  // Not the honest one, which `login` replaces.
  tokenAnswer = (reply) => answer(reply);
  await expect(login()).rejects.toMatchObject({ code });
  expect(asked).not.toContain('/evil');
});

test('an issuer that names another one, or plain HTTP, is refused; one that fails is left alone for a while', async () => {
  const now = { at: 0 };
  const flow = newFlow(now);
  discovery = { issuer: 'https://evil.example.com' };
  asked = [];
  await expect(flow.begin(client(), browser, false)).rejects.toMatchObject({ code: 'OIDC_LOGIN_FAILED' });
  discovery = undefined;
  await expect(flow.begin(client(), browser, false)).rejects.toMatchObject({ code: 'OIDC_LOGIN_FAILED' });
  expect(asked).toHaveLength(1);
  now.at += 5000;
  expect((await flow.begin(client(), browser, false)).origin).toBe(issuer);
  expect(asked).toHaveLength(2);

  discovery = { token_endpoint: issuer.replace('https', 'http') };
  await expect(login()).rejects.toThrow();
  expect(asked).not.toContain('/token');
  discovery = undefined;
});
