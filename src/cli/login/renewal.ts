/** Renews the key of a login shortly before it expires, when a command is about to use it. */
import { ApiClient, type ClientTalk } from '../client.ts';
import type { Settings } from '../settings.ts';
import { lockSettings } from '../settings-lock.ts';
import { loginPath } from '../wskprops.ts';
import { exchangeToken, storeKey } from './exchange.ts';
import { loginByRefresh } from './issuer.ts';
import { keyIdOf, type LoginInUse, loginInUse, writeLogin } from './login-file.ts';

/** A command takes a while, so its key must work a little longer. */
const spareMs = 60_000;

/**
 * Returns the settings with a new key if theirs is of a login and about to expire, and without one after a failure that
 * it reports.
 * @param wskprops the settings file
 */
export async function withFreshKey(
  settings: Settings,
  wskprops: string,
  talk: ClientTalk,
): Promise<Settings> {
  const found = loginInUse(settings, wskprops);
  if (found === undefined || !isDue(found)) return withKeyOf(found, settings);
  try {
    const onWait = () => talk.trace('waiting for another command that renews the login');
    using _lock = await lockSettings(wskprops, { onWait });
    // Another command can have renewed it, or have logged out.
    const current = loginInUse(settings, wskprops);
    if (current === undefined || !isDue(current)) return withKeyOf(current, settings);
    return await renew(current, settings, wskprops, talk);
  } catch (error) {
    talk.warn(`the key of your login could not be renewed (${String(error)}); log in again with: ward login`);
    return settings;
  }
}

function isDue({ login, key }: LoginInUse): boolean {
  if (login.client === undefined || login.refreshToken === undefined) return false;
  return login.keyId !== keyIdOf(key) || login.expiresAt - Date.now() <= spareMs;
}

/** Another command can have changed the settings file since they were read. */
function withKeyOf(found: LoginInUse | undefined, settings: Settings): Settings {
  if (found === undefined || settings.auth === undefined) return settings;
  return { ...settings, auth: { ...settings.auth, value: found.key } };
}

async function renew(
  { login, key }: LoginInUse,
  settings: Settings,
  wskprops: string,
  talk: ClientTalk,
): Promise<Settings> {
  const { client, refreshToken } = login;
  if (client === undefined || refreshToken === undefined) return settings;
  const tokens = await loginByRefresh(client, refreshToken);
  // The issuer may not take the earlier one again, and the server may not answer.
  await writeLogin(loginPath(wskprops), { ...login, refreshToken: tokens.refreshToken });
  const made = await exchangeToken(new ApiClient(settings, talk), tokens.idToken, login.namespace);
  const renewed = { client, refreshToken: tokens.refreshToken, earlierKeyId: keyIdOf(key) };
  await storeKey(wskprops, settings.apihost.value, made, renewed);
  return { ...settings, auth: { value: made.key, source: wskprops } };
}
