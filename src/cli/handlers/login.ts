/** `ward login` and `ward logout`. */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { messageOf } from '../../lib/index.ts';
import type { ApiClient } from '../client.ts';
import type { Handler } from '../command-spec.ts';
import { numberOf, timeText } from '../entity-fields.ts';
import { cliFault } from '../faults.ts';
import { exchangeToken, forgetKey, storeKey } from '../login/exchange.ts';
import { type IssuedTokens, loginByDevice } from '../login/issuer.ts';
import { readLogin } from '../login/login-file.ts';
import { loginPath, wskpropsPath } from '../wskprops.ts';

const loginsSchema = z.object({
  logins: z.array(z.object({ issuer: z.string(), clientId: z.string(), scopes: z.string() })),
});

export const login: Handler = async (input, context) => {
  const { io } = context;
  const client = await context.client();
  const tokenFile = input.text('tokenFile');
  const issuer = tokenFile === undefined ? await chooseIssuer(client, input.text('issuer')) : undefined;
  const show = ({ url, code }: { readonly url: string; readonly code: string }) => {
    io.ok(`open ${url} in a browser, and confirm the code ${code}`);
  };
  const tokens: IssuedTokens =
    issuer === undefined
      ? { idToken: await readToken(tokenFile ?? ''), refreshToken: undefined }
      : await loginByDevice(issuer, issuer.scopes, show);
  const made = await exchangeToken(client, tokens.idToken, input.text('namespace'));
  const file = wskpropsPath(context.env);
  await storeKey(file, context.settings().apihost.value, made, issuer, tokens);
  const { namespace, scope, expiresAt } = made;
  io.ok(`logged in to ${namespace} (${scope}) until ${timeText(expiresAt)}; the key is in ${file}`);
  return 0;
};

export const logout: Handler = async (input, context) => {
  const file = wskpropsPath(context.env);
  const stored = readLogin(loginPath(file));
  const { auth } = context.settings();
  const isOfLogin =
    stored !== undefined && auth?.source === file && auth.value.split(':')[0] === stored.keyId;
  if (!isOfLogin) {
    throw cliFault('NO_KEY', `the key in use is not from a login`, {
      hint: 'ward property get shows the key in use',
    });
  }
  const client = await context.client();
  if (input.has('everywhere')) {
    // A key that has expired can't tell whose it is: it stays until another one could.
    const query = { everywhere: true };
    const { ended } = await client.sendForObject({
      method: 'DELETE',
      root: '/ward/v1',
      path: ['token'],
      query,
    });
    await forgetKey(file);
    context.io.ok(`logged out everywhere: ${numberOf(ended) ?? 0} keys`);
    return 0;
  }
  try {
    // A key that has expired needs no end.
    await client.send({ method: 'DELETE', root: '/ward/v1', path: ['token'], accepts: [401] });
  } finally {
    await forgetKey(file);
  }
  context.io.ok(`logged out of ${stored.namespace}`);
  return 0;
};

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
