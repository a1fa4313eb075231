/** A real OpenID provider in this process, at an https address of this machine. */
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import type { JWK } from 'jose';
import { Provider } from 'oidc-provider';
import { z } from 'zod';
import { makeAuthority, type TestAuthority } from '../lib/key-pairs.fixture.ts';
import { type Issuer, parseIssuer } from './issuer.ts';
import { newKey } from './tokens.fixture.ts';

const scopes = 'openid offline_access';

export interface TestProvider extends AsyncDisposable {
  readonly issuer: Issuer;
  /** Made its certificate. */
  readonly authority: TestAuthority;
  /** An access token of the client `robot`. */
  token(audience: string, scope?: string): Promise<string>;
  /** The client of the console sends people back to this address. */
  sendBackTo(redirectUri: string): void;
  /** From now on each browser is this person’s, who agrees to everything. */
  visitAs(person: string): void;
  /** Opens an address as a browser does, and returns the one outside to which the provider sends it. */
  visit(url: string): Promise<URL>;
  /** Approves all devices from now on, as a person does in a browser. */
  approveAs(person: string): void;
  /** Replaces all keys. */
  rotate(): void;
  /** Sees each request first; answers it itself, or leaves it to the provider by `false`. */
  watch(look: Look): void;
}

type Look = (asked: IncomingMessage, reply: ServerResponse) => boolean | Promise<boolean>;

/** The client of `ward login`. */
export const deviceClient = 'ward-cli';
/** The console as a client. */
export const consoleClient = 'ward-console';
const people: Readonly<Record<string, readonly string[]>> = {
  ada: ['ops'],
  adam: ['ops'],
  eve: ['others'],
  bob: ['ops', 'shop'],
  olga: ['ops', 'admins'],
  otto: ['ops', 'admins'],
  omar: ['admins'],
};

const client = { client_id: 'robot', client_secret: 'known to the test' };

export async function startProvider(): Promise<TestProvider> {
  const authority = await makeAuthority();
  const server = createServer(await authority.issue());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const issuer = parseIssuer(`https://127.0.0.1:${(server.address() as AddressInfo).port}`);
  if (issuer === undefined) throw new TypeError('not an issuer');
  let count = 0;
  let provider: Provider;
  let redirectUri = 'https://ward.example.com/none';
  let visitor = 'ada';
  let approver: string | undefined;
  let look: Look = () => false;
  const rotate = () => {
    server.removeAllListeners('request');
    provider = newProvider(issuer, `key-${++count}`, redirectUri);
    approveDevices(provider, () => approver);
    const serve = provider.callback();
    server.on('request', async (asked, reply) => {
      if (await look(asked, reply)) return;
      if (asked.url?.startsWith(interactions)) await agree(provider, visitor, asked, reply);
      else await serve(asked, reply);
    });
  };
  rotate();
  return {
    ...{ issuer, authority, rotate },
    sendBackTo(uri) {
      redirectUri = uri;
      rotate();
    },
    visitAs(person) {
      visitor = person;
    },
    visit: (url) => visit(url, issuer, authority.cert),
    watch(by) {
      look = by;
    },
    async token(audience, scope = 'read') {
      const asked = request(`${issuer}/token`, { method: 'POST', ca: authority.cert, agent: false });
      asked.setHeader('content-type', 'application/x-www-form-urlencoded');
      const grant = { grant_type: 'client_credentials', resource: audience, scope };
      asked.end(new URLSearchParams({ ...grant, ...client }).toString());
      const [answer] = await once(asked, 'response');
      return z.object({ access_token: z.string() }).parse(await json(answer)).access_token;
    },
    approveAs(person) {
      approver = person;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
      await authority[Symbol.asyncDispose]();
    },
  };
}

function approveDevices(provider: Provider, approver: () => string | undefined): void {
  // A device that is told nothing waits five seconds before it asks.
  provider.on('device_authorization.success', (_context, answer) => {
    answer['interval'] = 1;
  });
  provider.on('device_code.saved', async (code) => {
    const accountId = approver();
    if (accountId === undefined || code.accountId !== undefined) return;
    const grant = new provider.Grant({ accountId, clientId: deviceClient });
    grant.addOIDCScope(scopes);
    const grantId = await grant.save();
    await Object.assign(code, { accountId, grantId, scope: scopes, authTime: 1 }).save();
  });
}

const interactions = '/interaction/';

/** What a person does on the provider's pages. */
async function agree(
  provider: Provider,
  accountId: string,
  asked: IncomingMessage,
  reply: ServerResponse,
): Promise<void> {
  const { params } = await provider.interactionDetails(asked, reply);
  const grant = new provider.Grant({ accountId, clientId: String(params['client_id']) });
  grant.addOIDCScope('openid');
  const consent = { grantId: await grant.save() };
  await provider.interactionFinished(asked, reply, { login: { accountId }, consent });
}

async function visit(start: string, issuer: Issuer, ca: string): Promise<URL> {
  const cookies = new Map<string, string>();
  let url = new URL(start);
  while (url.origin === issuer) {
    const cookie = [...cookies].map((pair) => pair.join('=')).join('; ');
    const asked = request(url, { ca, agent: false, headers: { cookie } });
    asked.end();
    const [answer]: [IncomingMessage] = (await once(asked, 'response')) as [IncomingMessage];
    answer.resume();
    for (const each of answer.headers['set-cookie'] ?? []) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(each) ?? [];
      cookies.set(name, value);
    }
    const { location } = answer.headers;
    if (location === undefined) throw new Error(`the provider answers ${answer.statusCode} to ${url}`);
    url = new URL(location, url);
  }
  return url;
}

/** Its access tokens are JWTs for the audience that the client names. */
function newProvider(issuer: Issuer, kid: string, redirectUri: string): Provider {
  const { privateKey } = newKey(kid);
  const key: JWK = { ...(privateKey.export({ format: 'jwk' }) as JWK), kid, alg: 'ES256', use: 'sig' };
  return new Provider(issuer, {
    clients: [
      {
        ...client,
        ...{ grant_types: ['client_credentials'], redirect_uris: [], response_types: [] },
        ...{ token_endpoint_auth_method: 'client_secret_post', id_token_signed_response_alg: 'ES256' },
      },
      {
        ...{ client_id: deviceClient, redirect_uris: [], response_types: [] },
        grant_types: ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'],
        ...{ token_endpoint_auth_method: 'none', id_token_signed_response_alg: 'ES256' },
      },
      {
        ...{ client_id: consoleClient, redirect_uris: [redirectUri], response_types: ['code'] },
        grant_types: ['authorization_code'],
        ...{ token_endpoint_auth_method: 'none', id_token_signed_response_alg: 'ES256' },
      },
    ],
    pkce: { required: () => true },
    interactions: { url: (_context, { uid }) => `${interactions}${uid}` },
    jwks: { keys: [key] },
    claims: { openid: ['sub', 'groups'] },
    conformIdTokenClaims: false,
    findAccount: (_context, person) => ({
      accountId: person,
      claims: () => ({ sub: person, groups: [...(people[person] ?? [])] }),
    }),
    ttl: {
      ...{ ClientCredentials: 600, AccessToken: 600, IdToken: 600, RefreshToken: 600 },
      ...{ Interaction: 600, Grant: 600, Session: 600 },
    },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      deviceFlow: { enabled: true },
      revocation: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: () => ({
          ...{ scope: 'read write', accessTokenFormat: 'jwt' },
          jwt: { sign: { alg: 'ES256' } },
        }),
      },
    },
  });
}
