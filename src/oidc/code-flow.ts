/**
 * Logs a person in with a browser: the authorization code flow of OpenID Connect, with PKCE (RFC 7636), `state`, `nonce`,
 * and the issuer's own name in its answer (RFC 9207). `openid-client` checks the protocol.
 *
 * Nothing is kept while the person is at the issuer. The browser keeps a secret in a cookie, and all else follows from it:
 * what is in the URLs (`state`, `nonce`) tells nobody the verifier that the issuer wants with the code.
 */
import { createHmac } from 'node:crypto';
import type { Configuration, CustomFetch } from 'openid-client';
import type { ResolveName } from '../egress/index.ts';
import { BoundedMap, isFault, type Log, messageOf, withTimeout } from '../lib/index.ts';
import { oidcFault } from './faults.ts';
import { askIssuer } from './fetch-document.ts';
import type { Issuer } from './issuer.ts';
import { type ListedIssuer, placeOfListed } from './issuer-documents.ts';

/** Ward as a client of the issuer. */
export interface CodeClient {
  readonly issuer: Issuer;
  readonly clientId: string;
  /** Undefined: a public client. */
  readonly secret: string | undefined;
  readonly scopes: string;
}

/** A browser that is at the issuer, or comes back from it. */
export interface BrowserAway {
  /** Only this browser has it. */
  readonly secret: string;
  /** Where the issuer sends it back to. */
  readonly redirectUri: string;
}

export interface CodeFlow {
  /**
   * What the browser opens at the issuer.
   * @param isAnew the person shall log in there even if the issuer remembers an earlier login
   * @throws Fault OIDC_LOGIN_FAILED, OIDC_UNAVAILABLE
   */
  begin(client: CodeClient, browser: BrowserAway, isAnew: boolean): Promise<URL>;
  /**
   * Returns the ID token, whose signature is not checked yet.
   * @param query what the issuer had the browser send
   * @throws Fault OIDC_LOGIN_FAILED, OIDC_UNAVAILABLE
   */
  finish(client: CodeClient, browser: BrowserAway, query: string): Promise<string>;
}

interface CodeFlowOptions {
  readonly listed: readonly ListedIssuer[];
  readonly log: Log;
  readonly resolve?: ResolveName;
  readonly timeoutMs?: number;
  /** Epoch milliseconds. */
  readonly now?: () => number;
}

interface Known {
  readonly config: Promise<Configuration>;
  /** Epoch milliseconds. */
  until: number;
}

const rememberedMs = 300_000;
/** Anyone can begin a login, which must not become many requests to an issuer that is down. */
const failureRememberedMs = 5000;
const mostClients = 200;
/** How far the clocks of Ward and an issuer may differ. */
const toleranceSeconds = 30;
const withoutBody: readonly number[] = [204, 205, 304];

export function createCodeFlow(options: CodeFlowOptions): CodeFlow {
  const { log, now = Date.now } = options;
  const known = new BoundedMap<string, Known>(mostClients);
  const configOf = (client: CodeClient): Promise<Configuration> => {
    const key = JSON.stringify([client.issuer, client.clientId]);
    const found = known.get(key);
    if (found !== undefined && found.until > now()) return found.config;
    const entry: Known = { config: discover(client, options), until: now() + rememberedMs };
    entry.config.catch(() => {
      entry.until = now() + failureRememberedMs;
    });
    known.set(key, entry);
    return entry.config;
  };
  const explained = async <T>(client: CodeClient, work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      const fault = faultOf(error);
      log.warn({ issuer: client.issuer, reason: reasonOf(error) }, 'a login at an OpenID issuer failed');
      throw fault;
    }
  };
  return {
    begin: (client, browser, isAnew) =>
      explained(client, async () => {
        const config = await configOf(client);
        const { buildAuthorizationUrl, calculatePKCECodeChallenge } = await import('openid-client');
        return buildAuthorizationUrl(config, {
          redirect_uri: browser.redirectUri,
          scope: client.scopes,
          state: derived(browser, client, 'state'),
          nonce: derived(browser, client, 'nonce'),
          code_challenge: await calculatePKCECodeChallenge(derived(browser, client, 'verifier')),
          code_challenge_method: 'S256',
          ...(isAnew ? { prompt: 'login' } : {}),
        });
      }),
    finish: (client, browser, query) =>
      explained(client, async () => {
        const config = await configOf(client);
        const { authorizationCodeGrant } = await import('openid-client');
        const url = new URL(browser.redirectUri);
        url.search = query;
        const { id_token: idToken } = await authorizationCodeGrant(config, url, {
          expectedState: derived(browser, client, 'state'),
          expectedNonce: derived(browser, client, 'nonce'),
          pkceCodeVerifier: derived(browser, client, 'verifier'),
          idTokenExpected: true,
        });
        if (idToken === undefined) throw new Error('it gave no ID token');
        return idToken;
      }),
  };
}

/** Differs for each issuer, so that the answer of one is worth nothing at another. */
function derived(
  { secret }: BrowserAway,
  { issuer, clientId }: CodeClient,
  what: 'state' | 'nonce' | 'verifier',
): string {
  return createHmac('sha256', secret)
    .update(JSON.stringify([what, issuer, clientId]))
    .digest('base64url');
}

async function discover(client: CodeClient, options: CodeFlowOptions): Promise<Configuration> {
  const library = await import('openid-client');
  const { issuer, clientId, secret } = client;
  const authentication = secret === undefined ? library.None() : library.ClientSecretPost(secret);
  return await library.discovery(
    new URL(issuer),
    clientId,
    { [library.clockTolerance]: toleranceSeconds },
    authentication,
    { [library.customFetch]: fetchFrom(client, options) },
  );
}

/** Connects as for the keys of an issuer that the operator lists. */
function fetchFrom(
  { issuer }: CodeClient,
  { listed, resolve, timeoutMs = 5000 }: CodeFlowOptions,
): CustomFetch {
  const entry = listed.find((each) => each.issuer === issuer) ?? { issuer, ca: undefined };
  return async (url, { method, headers, body }) => {
    const question = { method, headers, body: body == null ? undefined : String(body) };
    try {
      const at = new URL(url);
      if (at.protocol !== 'https:') throw new Error(`${at.protocol}// is not https`);
      const asked = (async () =>
        askIssuer(await placeOfListed(entry, at, resolve), question, AbortSignal.timeout(timeoutMs)))();
      const late = () => {
        throw new Error(`no answer in ${timeoutMs} ms`);
      };
      // The signal ends a connection, but not a question to a resolver.
      const { status, headers: given, bytes } = await withTimeout(asked, timeoutMs, late);
      if (status >= 500) throw new Error(`the status is ${status}`);
      return new Response(withoutBody.includes(status) ? null : new Uint8Array(bytes), {
        status,
        headers: { 'content-type': given['content-type'] ?? '' },
      });
    } catch (cause) {
      throw unavailable(cause);
    }
  };
}

function unavailable(cause: unknown) {
  return oidcFault('OIDC_UNAVAILABLE', 'The login did not work, because its issuer does not answer.', {
    cause,
    hint: 'try again later',
  });
}

function faultOf(error: unknown) {
  for (let each = error; each instanceof Error; each = each.cause)
    if (isFault(each, 'OIDC_UNAVAILABLE')) return each;
  return oidcFault('OIDC_LOGIN_FAILED', 'The login at the issuer did not succeed.', {
    cause: error,
    hint: 'log in again; Ward’s log has the reason',
  });
}

/** The library names what was wrong in the cause of its errors. */
function reasonOf(error: unknown): string {
  const reasons: string[] = [];
  for (let each = error; each instanceof Error; each = each.cause) reasons.push(messageOf(each));
  return [...new Set(reasons)].join(': ');
}
