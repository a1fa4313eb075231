/** Gets a key of the server for a token of an issuer, and stores it as the key in use. */
import { z } from 'zod';
import type { ApiClient } from '../client.ts';
import { cliFault } from '../faults.ts';
import { loginPath, updateWskprops } from '../wskprops.ts';
import type { IssuedTokens, IssuerClient } from './issuer.ts';
import { removeLogin, type StoredLogin, writeLogin } from './login-file.ts';

const keySchema = z.object({
  access_token: z.string().regex(/^[^\s:]+:[^\s:]+$/),
  expires_in: z.number().positive(),
  ...{ scope: z.string(), namespace: z.string(), keyId: z.string() },
});

export interface ServerKey {
  readonly key: string;
  readonly keyId: string;
  readonly namespace: string;
  readonly scope: string;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
}

export async function exchangeToken(
  client: ApiClient,
  idToken: string,
  namespace: string | undefined,
): Promise<ServerKey> {
  const askedAt = Date.now();
  const body = await client.sendForObject({
    ...{ method: 'POST', root: '/ward/v1', path: ['token'], isPublic: true },
    form: {
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: idToken,
      subject_token_type: 'urn:ietf:params:oauth:token-type:id_token',
      ...(namespace === undefined ? {} : { audience: namespace }),
    },
  });
  const parsed = keySchema.safeParse(body);
  if (!parsed.success)
    throw cliFault('SERVER_NOT_WARD', 'the server answered with something other than a key');
  const { access_token: key, expires_in: seconds, keyId, scope, namespace: owner } = parsed.data;
  return { key, keyId, scope, namespace: owner, expiresAt: askedAt + seconds * 1000 };
}

/** @param wskprops the settings file */
export async function storeKey(
  wskprops: string,
  apihost: string,
  made: ServerKey,
  client: IssuerClient | undefined,
  tokens: Pick<IssuedTokens, 'refreshToken'>,
): Promise<void> {
  const { keyId, namespace, expiresAt } = made;
  const { refreshToken } = tokens;
  await updateWskprops(wskprops, { APIHOST: apihost, AUTH: made.key, NAMESPACE: undefined });
  const stored: StoredLogin = {
    ...{ apihost, namespace, keyId, expiresAt },
    ...(client === undefined ? {} : { client: { issuer: client.issuer, clientId: client.clientId } }),
    ...(refreshToken === undefined ? {} : { refreshToken }),
  };
  await writeLogin(loginPath(wskprops), stored);
}

/** @param wskprops the settings file */
export async function forgetKey(wskprops: string): Promise<void> {
  await updateWskprops(wskprops, { AUTH: undefined });
  await removeLogin(loginPath(wskprops));
}
