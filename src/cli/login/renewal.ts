/** Renews the key of a login shortly before it expires, when a command is about to use it. */
import { ApiClient, type ClientTalk } from '../client.ts';
import type { Settings } from '../settings.ts';
import { loginPath } from '../wskprops.ts';
import { exchangeToken, storeKey } from './exchange.ts';
import { loginByRefresh } from './issuer.ts';
import { readLogin } from './login-file.ts';

/** A command takes a while, so its key must work a little longer. */
const spareMs = 60_000;

/**
 * Returns the settings with a new key if theirs is of a login and about to expire. Otherwise, and after a failure that
 * it reports, returns them unchanged.
 * @param wskprops the settings file
 */
export async function withFreshKey(
  settings: Settings,
  wskprops: string,
  talk: ClientTalk,
): Promise<Settings> {
  const { auth, apihost } = settings;
  if (auth?.source !== wskprops) return settings;
  const login = readLogin(loginPath(wskprops));
  if (login?.keyId !== auth.value.split(':')[0] || login?.apihost !== apihost.value) return settings;
  if (login.expiresAt - Date.now() > spareMs) return settings;
  const { client, refreshToken } = login;
  if (client === undefined || refreshToken === undefined) return settings;
  try {
    const tokens = await loginByRefresh(client, refreshToken);
    const made = await exchangeToken(new ApiClient(settings, talk), tokens.idToken, login.namespace);
    await storeKey(wskprops, apihost.value, made, client, tokens);
    return { ...settings, auth: { value: made.key, source: wskprops } };
  } catch (error) {
    talk.warn(`the key of your login could not be renewed (${String(error)}); log in again with: ward login`);
    return settings;
  }
}
