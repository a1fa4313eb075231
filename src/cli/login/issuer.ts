/** Talks to the issuer of a login (RFC 8628, device flow). Its tokens go to the server of Ward and nowhere else. */
import type { Configuration } from 'openid-client';
import { isFault, messageOf } from '../../lib/index.ts';
import { cliFault } from '../faults.ts';

export interface IssuerClient {
  readonly issuer: string;
  readonly clientId: string;
}

export interface IssuedTokens {
  readonly idToken: string;
  readonly refreshToken: string | undefined;
}

/** What a person opens in a browser, and types there. */
export interface DevicePrompt {
  readonly url: string;
  readonly code: string;
}

/** Of each request: a renewal has two, and other commands wait for it. */
const timeoutSeconds = 10;

/**
 * Waits until the person has approved.
 * @param show called before the issuer is asked for tokens
 * @throws Fault LOGIN_FAILED, and those of `show`
 */
export async function loginByDevice(
  client: IssuerClient,
  scopes: string,
  show: (prompt: DevicePrompt) => Promise<void>,
): Promise<IssuedTokens> {
  return withIssuer(client, async (library, config) => {
    const device = await library.initiateDeviceAuthorization(config, { scope: scopes });
    await show({ url: device.verification_uri_complete ?? device.verification_uri, code: device.user_code });
    return tokensOf(await library.pollDeviceAuthorizationGrant(config, device));
  });
}

/** @throws Fault LOGIN_FAILED */
export async function loginByRefresh(
  client: IssuerClient,
  refreshToken: string,
): Promise<IssuedTokens & { readonly refreshToken: string }> {
  const issued = await withIssuer(client, async (library, config) =>
    tokensOf(await library.refreshTokenGrant(config, refreshToken)),
  );
  // Issuers that do not rotate it leave it out.
  return { ...issued, refreshToken: issued.refreshToken ?? refreshToken };
}

/** Ends a refresh token (RFC 7009), if the issuer can. @throws Fault LOGIN_FAILED */
export async function revokeRefreshToken(client: IssuerClient, refreshToken: string): Promise<void> {
  await withIssuer(client, async (library, config) => {
    if (config.serverMetadata().revocation_endpoint === undefined) return;
    await library.tokenRevocation(config, refreshToken, { token_type_hint: 'refresh_token' });
  });
}

function tokensOf({
  id_token: idToken,
  refresh_token: refreshToken,
}: {
  readonly id_token?: string;
  readonly refresh_token?: string;
}): IssuedTokens {
  if (idToken === undefined) throw new Error('it gave no ID token');
  return { idToken, refreshToken };
}

async function withIssuer<T>(
  { issuer, clientId }: IssuerClient,
  work: (library: typeof import('openid-client'), config: Configuration) => Promise<T>,
): Promise<T> {
  try {
    const library = await import('openid-client');
    const options = { timeout: timeoutSeconds };
    const config = await library.discovery(new URL(issuer), clientId, undefined, library.None(), options);
    return await work(library, config);
  } catch (cause) {
    if (isFault(cause)) throw cause;
    throw cliFault('LOGIN_FAILED', `the login at ${issuer} failed: ${messageOf(cause)}`, { cause });
  }
}
