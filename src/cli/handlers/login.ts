/** `ward login` and `ward logout`. */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { messageOf } from '../../lib/index.ts';
import type { ApiClient } from '../client.ts';
import type { Context, Handler } from '../command-spec.ts';
import { numberOf, timeText } from '../entity-fields.ts';
import { cliFault } from '../faults.ts';
import { exchangeToken, forgetKey, storeKey } from '../login/exchange.ts';
import {
  type DevicePrompt,
  type IssuedTokens,
  type IssuerClient,
  loginByDevice,
  revokeRefreshToken,
} from '../login/issuer.ts';
import {
  type LoginInUse,
  loginInUse,
  type StoredLogin,
  storedLogin,
  writeLogin,
} from '../login/login-file.ts';
import { printableLine } from '../printable.ts';
import { lockSettings } from '../settings-lock.ts';
import { loginPath, wskpropsPath } from '../wskprops.ts';

const loginsSchema = z.object({
  logins: z.array(z.object({ issuer: z.string(), clientId: z.string(), scopes: z.string() })),
});

export const login: Handler = async (input, context) => {
  const { io } = context;
  const client = await context.client();
  const tokenFile = input.text('tokenFile');
  const issuer = tokenFile === undefined ? await chooseIssuer(client, input.text('issuer')) : undefined;
  const file = wskpropsPath(context.env);
  const show = async ({ url, code }: DevicePrompt) => {
    if (issuer !== undefined) await endEarlierLogin(issuer, file, context);
    io.ok(`open ${url} in a browser, and confirm the code ${code}`);
  };
  const tokens: IssuedTokens =
    issuer === undefined
      ? { idToken: await readToken(tokenFile ?? ''), refreshToken: undefined }
      : await loginByDevice(issuer, issuer.scopes, show);
  const made = await exchangeToken(client, tokens.idToken, input.text('namespace'));
  const { refreshToken } = tokens;
  using _lock = await lockSettings(file);
  const replaced = storedLogin(file);
  await storeKey(file, context.settings().apihost.value, made, { client: issuer, refreshToken });
  const { namespace, scope, expiresAt } = made;
  io.ok(`logged in to ${namespace} (${scope}) until ${timeText(expiresAt)}; the key is in ${file}`);
  if (replaced !== undefined && !isOf(issuer, replaced)) await endRefreshToken(replaced, context, ofEarlier);
  return 0;
};

export const logout: Handler = async (input, context) => {
  const file = wskpropsPath(context.env);
  mustBeInUse(context, file);
  const client = await context.client();
  using _lock = await lockSettings(file, {
    onWait: () => context.io.trace('waiting for another command that renews the login'),
  });
  // Another command can have renewed it, or have logged out.
  const { login: stored, key } = mustBeInUse(context, file);
  const own = client.withKey({ value: key, source: file });
  if (input.has('everywhere')) {
    // A key that has expired can't tell whose it is: it stays until another one could.
    const { ended } = await own.sendForObject({ ...ownKey, query: { everywhere: true } });
    await forgetKey(file);
    context.io.ok(`logged out everywhere: ${numberOf(ended) ?? 0} keys`);
    await endRefreshToken(stored, context);
    return 0;
  }
  try {
    // A key that has expired needs no end.
    await own.send({ ...ownKey, accepts: [401] }).finally(() => forgetKey(file));
    context.io.ok(`logged out of ${stored.namespace}`);
  } finally {
    await endRefreshToken(stored, context);
  }
  return 0;
};

const ownKey = { method: 'DELETE', root: '/ward/v1', path: ['token'] } as const;

/** @throws Fault NO_KEY */
function mustBeInUse(context: Context, file: string): LoginInUse {
  const found = loginInUse(context.settings(), file);
  if (found !== undefined) return found;
  throw cliFault('NO_KEY', 'the key in use is not from a login at this server', {
    hint: 'ward property get shows the key in use',
  });
}

/**
 * The new login replaces the stored one, whose refresh token nothing could end later. Some issuers end all tokens of the
 * person and the client with it (Auth0, and Keycloak for one session of a browser). So the issuer of the new login hears
 * of it before there are new tokens. Another issuer hears of it when the new login is complete.
 */
async function endEarlierLogin(issuer: IssuerClient, file: string, context: Context): Promise<void> {
  using _lock = await lockSettings(file);
  const earlier = storedLogin(file);
  if (earlier === undefined || !isOf(issuer, earlier)) return;
  const { refreshToken: _ended, ...rest } = earlier;
  if (await endRefreshToken(earlier, context, ofEarlier)) await writeLogin(loginPath(file), rest);
}

function isOf(issuer: IssuerClient | undefined, { client }: StoredLogin): boolean {
  return client !== undefined && client.issuer === issuer?.issuer && client.clientId === issuer.clientId;
}

const ofEarlier = 'the refresh token of your earlier login';

/**
 * An issuer that does not answer keeps nobody from logging in or out.
 * @param what in words
 * @returns whether the token has ended, as far as the issuer ends tokens at all
 */
async function endRefreshToken(
  { client, refreshToken }: StoredLogin,
  { io }: Context,
  what = 'your refresh token',
): Promise<boolean> {
  if (client === undefined || refreshToken === undefined) return true;
  try {
    await revokeRefreshToken(client, refreshToken);
    return true;
  } catch (error) {
    const why = `${what} may still work at ${client.issuer} (${messageOf(error)})`;
    io.note(printableLine(`warning: ${why}; if someone else can have it, end your session there`));
    return false;
  }
}

async function chooseIssuer(client: ApiClient, wanted: string | undefined) {
  const body = await client.sendForObject({
    method: 'GET',
    root: '/ward/v1',
    path: ['token'],
    isPublic: true,
  });
  const logins = loginsSchema.safeParse(body).data?.logins ?? [];
  const found = wanted === undefined ? logins : logins.filter(({ issuer }) => issuer === wanted);
  const [first, ...others] = found;
  if (first === undefined) {
    throw cliFault('NOT_FOUND', 'nobody can log in at this server so', {
      hint: 'the operator sets `oidc.logins` with a clientId; a key works without a login',
    });
  }
  if (others.length === 0) return first;
  throw cliFault('USAGE', 'this server has several issuers', {
    hint: `name one: --issuer ${found.map(({ issuer }) => issuer).join(', ')}`,
  });
}

async function readToken(path: string): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (cause) {
    throw cliFault('SOURCE_UNREADABLE', `${path} can't be read: ${messageOf(cause)}`, { cause });
  }
}
