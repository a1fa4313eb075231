/** A real OpenID provider in this process, at an https address of this machine. */
import { once } from 'node:events';
import { createServer, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import type { JWK } from 'jose';
import { Provider } from 'oidc-provider';
import { z } from 'zod';
import { makeAuthority, type TestAuthority } from '../lib/key-pairs.fixture.ts';
import { type Issuer, parseIssuer } from './issuer.ts';
import { newKey } from './tokens.fixture.ts';

export interface TestProvider extends AsyncDisposable {
  readonly issuer: Issuer;
  /** Made its certificate. */
  readonly authority: TestAuthority;
  /** An access token of the client `robot`. */
  token(audience: string, scope?: string): Promise<string>;
  /** Replaces all keys. */
  rotate(): void;
}

const client = { client_id: 'robot', client_secret: 'known to the test' };

export async function startProvider(): Promise<TestProvider> {
  const authority = await makeAuthority();
  const server = createServer(await authority.issue());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const issuer = parseIssuer(`https://127.0.0.1:${(server.address() as AddressInfo).port}`);
  if (issuer === undefined) throw new TypeError('not an issuer');
  let count = 0;
  const rotate = () => {
    server.removeAllListeners('request');
    server.on('request', newProvider(issuer, `key-${++count}`).callback());
  };
  rotate();
  return {
    ...{ issuer, authority, rotate },
    async token(audience, scope = 'read') {
      const asked = request(`${issuer}/token`, { method: 'POST', ca: authority.cert, agent: false });
      asked.setHeader('content-type', 'application/x-www-form-urlencoded');
      const grant = { grant_type: 'client_credentials', resource: audience, scope };
      asked.end(new URLSearchParams({ ...grant, ...client }).toString());
      const [answer] = await once(asked, 'response');
      return z.object({ access_token: z.string() }).parse(await json(answer)).access_token;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
      await authority[Symbol.asyncDispose]();
    },
  };
}

/** Its access tokens are JWTs for the audience that the client names. */
function newProvider(issuer: Issuer, kid: string): Provider {
  const { privateKey } = newKey(kid);
  const key: JWK = { ...(privateKey.export({ format: 'jwk' }) as JWK), kid, alg: 'ES256', use: 'sig' };
  return new Provider(issuer, {
    clients: [
      {
        ...client,
        ...{ grant_types: ['client_credentials'], redirect_uris: [], response_types: [] },
        ...{ token_endpoint_auth_method: 'client_secret_post', id_token_signed_response_alg: 'ES256' },
      },
    ],
    jwks: { keys: [key] },
    ttl: { ClientCredentials: 600 },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
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
