/** Gets a key of the server for a token of an issuer, and stores it as the key in use. */
import { z } from 'zod';
import type { ApiClient } from '../client.ts';
import { cliFault } from '../faults.ts';
import { loginPath, updateWskprops } from '../wskprops.ts';
import type { IssuerClient } from './issuer.ts';
import { keyIdOf, removeLogin, type StoredLogin, writeLogin } from './login-file.ts';

/** No server may make the settings file too long to be read, or dates that are none. */
const longestText = 500;
const longestSeconds = 400 * 86_400;
const keySchema = z.object({
  access_token: z
    .string()
    .max(longestText)
    .regex(/^[^\s:]+:[^\s:]+$/),
  expires_in: z.number().positive().max(longestSeconds),
  ...{ scope: z.string().max(longestText), namespace: z.string().max(longestText) },
});

export interface ServerKey {
  readonly key: string;
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
  const { access_token: key, expires_in: seconds, scope, namespace: owner } = parsed.data;
  return { key, scope, namespace: owner, expiresAt: askedAt + seconds * 1000 };
}

/** How to get the next key; without a client, there is no way but another login. */
export interface Renewal {
  readonly client?: IssuerClient | undefined;
  readonly refreshToken?: string | undefined;
  /** The key that is renewed. */
  readonly earlierKeyId?: string | undefined;
}

/**
 * The caller has the lock of the settings.
 * @param wskprops the settings file
 * @throws Fault FILE_NOT_WRITTEN
 */
export async function storeKey(
  wskprops: string,
  apihost: string,
  { key, namespace, expiresAt }: ServerKey,
  { client, refreshToken, earlierKeyId }: Renewal,
): Promise<void> {
  const stored: StoredLogin = {
    ...{ apihost, namespace, keyId: keyIdOf(key), expiresAt },
    ...(client === undefined ? {} : { client: { issuer: client.issuer, clientId: client.clientId } }),
    ...(refreshToken === undefined ? {} : { refreshToken }),
    ...(earlierKeyId === undefined ? {} : { earlierKeyId }),
  };
  // First, because it can complete the other: by `earlierKeyId`.
  await writeLogin(loginPath(wskprops), stored);
  await updateWskprops(wskprops, { APIHOST: apihost, AUTH: key, NAMESPACE: undefined });
}

/** The caller has the lock of the settings. @param wskprops the settings file */
export async function forgetKey(wskprops: string): Promise<void> {
  await updateWskprops(wskprops, { AUTH: undefined });
  await removeLogin(loginPath(wskprops));
}
