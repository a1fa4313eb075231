/**
 * Exchanges a token of an issuer that the operator trusts for a short key of a namespace: people log in so, and pipelines
 * deploy without a stored key. The key is an ordinary further key, with a scope and an expiry.
 */
import { hash } from 'node:crypto';
import { type Actor, actAs, type JsonObject } from '../../lib/index.ts';
import { type Issuer, issuerIn, oidcFault, type Tokens, tokenId } from '../../oidc/index.ts';
import type { SpentTokenStore, Store } from '../../store/index.ts';
import { functionFault } from '../faults.ts';
import type { NewKey } from '../namespaces/further-keys.ts';
import type { Identity } from '../namespaces/identities.ts';
import { type KeyScope, parseKeyScope } from '../namespaces/key-scopes.ts';
import type { NamespaceService } from '../namespaces/namespaces.ts';
import { grantedBy, isWithin, type LoginGrant } from './grants.ts';

export interface Login {
  readonly issuer: Issuer;
  readonly audiences: readonly string[];
  /** Undefined: nobody logs in here with `ward login`. */
  readonly client: LoginClient | undefined;
  /** How long its keys work. */
  readonly keyMs: number;
  readonly grants: readonly LoginGrant[];
}

/** A public client of the issuer, for the device flow. */
export interface LoginClient {
  readonly clientId: string;
  readonly scopes: string;
}

export interface ExchangeRequest {
  readonly token: string;
  /** Undefined: the only one that the token opens. */
  readonly namespace: string | undefined;
  /** Undefined: all that the token is worth. */
  readonly scope: string | undefined;
}

export interface ExchangedKey extends NewKey {
  readonly namespace: string;
  readonly expiresAt: number;
}

export interface TokenExchange {
  readonly logins: readonly Login[];
  /**
   * Uses a token up.
   * @param client for the audit log
   * @throws Fault OIDC_TOKEN_INVALID, OIDC_UNAVAILABLE, KEY_INVALID, LOGIN_DENIED, LOGIN_AMBIGUOUS, TOKEN_SPENT,
   * NOT_FOUND, KEYS_EXHAUSTED
   */
  exchange(request: ExchangeRequest, client: Omit<Actor, 'who'>): Promise<ExchangedKey>;
  /** Ends a key of an exchange before its time. @throws Fault LOGIN_DENIED for any other key */
  end(identity: Identity): Promise<void>;
  /**
   * Ends all keys of the person whose key this is, in all namespaces, with the sessions of browsers that began with them.
   * Returns their number. @throws Fault LOGIN_DENIED for a key that is not of a login
   */
  endEverywhere(identity: Identity): Promise<number>;
  /** The same for the subject of an issuer. */
  endPerson(issuer: string, subject: string): Promise<number>;
}

export interface LoginOptions {
  readonly logins: readonly Login[];
  readonly tokens: Pick<Tokens, 'check'>;
}

interface TokenExchangeOptions extends LoginOptions {
  readonly namespaces: Pick<NamespaceService, 'createKey' | 'deleteKey' | 'listKeys'>;
  readonly spentTokens: SpentTokenStore;
  readonly keys: Pick<Store['keys'], 'byId' | 'logOut' | 'loggedOutAt'>;
  /** The caches have keys that are gone. */
  readonly onKeysGone: () => void;
  /** Epoch milliseconds. */
  readonly now?: () => number;
}

export const noLogins: LoginOptions = {
  logins: [],
  tokens: {
    async check() {
      throw oidcFault('OIDC_TOKEN_INVALID', 'Nobody logs in here.');
    },
  },
};

/** Begins the labels of keys that were exchanged for a token. */
const labelPrefix = 'login: ';
const labelLength = 64;
/** The clock of the database may be behind, and a token is valid a little longer than it says. */
const spareMs = 120_000;

export function createTokenExchange(options: TokenExchangeOptions): TokenExchange {
  const { logins, namespaces, keys, onKeysGone } = options;
  const logOut = async (person: string, name: string): Promise<number> => {
    const ended = await keys.logOut(person, name);
    onKeysGone();
    return ended;
  };
  return {
    logins,
    async exchange({ token, namespace: wanted, scope: asked }, client) {
      const { login, claims } = await checked(options, token);
      const granted = grantedBy(claims, login.grants);
      const { namespace, scope: most } = choose(granted, wanted);
      const scope = asked === undefined ? most : parseKeyScope(asked);
      if (!isWithin(scope, most)) throw denied(`key with the scope '${scope}'`, namespace);
      const who = `${printable(String(claims['sub']))} of ${login.issuer}`;
      return actAs({ who, ...client }, () => take(options, { token, claims, login, namespace, scope }));
    },
    async end({ namespace, keyId }) {
      const keys = await namespaces.listKeys(namespace);
      if (!keys.some((key) => key.keyId === keyId && key.label.startsWith(labelPrefix)))
        throw functionFault(
          'LOGIN_DENIED',
          'This key is not from a login, so only the operator can delete it.',
        );
      await namespaces.deleteKey(namespace, keyId);
    },
    async endEverywhere({ keyId }) {
      const { person = null, label = '' } = (await keys.byId(keyId)) ?? {};
      if (person === null)
        throw functionFault('LOGIN_DENIED', 'This key is not from a login, so nobody is logged in with it.');
      return await logOut(person, label.slice(labelPrefix.length));
    },
    endPerson: (issuer, subject) => logOut(personOf(issuer, subject), `${printable(subject)} of ${issuer}`),
  };
}

/** Of an issuer's logins, the first whose audience the token has. */
async function checked(
  { logins, tokens }: TokenExchangeOptions,
  token: string,
): Promise<{ readonly login: Login; readonly claims: JsonObject }> {
  const issuer = await issuerIn(token);
  let refusal: unknown = oidcFault('OIDC_TOKEN_INVALID', 'Nobody logs in here with tokens of this issuer.');
  for (const login of logins.filter((each) => each.issuer === issuer)) {
    const demand = { issuer: login.issuer, audiences: login.audiences, scopes: [] };
    try {
      return { login, claims: await tokens.check(token, demand, undefined) };
    } catch (error) {
      refusal = error;
    }
  }
  throw refusal;
}

function choose(granted: ReadonlyMap<string, KeyScope>, wanted: string | undefined) {
  const [only, ...others] = [...granted.keys()].sort();
  const namespace = wanted ?? only;
  const scope = namespace === undefined ? undefined : granted.get(namespace);
  if (namespace === undefined || scope === undefined) throw denied('key', wanted);
  if (wanted === undefined && others.length > 0) {
    const names = [only, ...others].join(', ');
    throw functionFault('LOGIN_AMBIGUOUS', `This token opens several namespaces: ${names}.`, {
      hint: 'name one of them as the audience',
    });
  }
  return { namespace, scope };
}

interface Taken {
  readonly token: string;
  readonly claims: JsonObject;
  readonly login: Login;
  readonly namespace: string;
  readonly scope: KeyScope;
}

/** An issuer and a subject can be long, and the subject hostile. */
function personOf(issuer: string, subject: string): string {
  return hash('sha256', JSON.stringify([issuer, subject]), 'hex');
}

/**
 * A token of a login from before the person logged out everywhere is worth nothing. `auth_time` stays when the token is
 * refreshed, `iat` does not.
 */
async function refuseLoggedOut(
  keys: TokenExchangeOptions['keys'],
  person: string,
  { auth_time: authTime, iat }: JsonObject,
): Promise<void> {
  const at = await keys.loggedOutAt(person);
  const begunAt = Number(authTime ?? iat ?? 0) * 1000;
  if (at === undefined || begunAt > at) return;
  throw functionFault('LOGIN_ENDED', 'This login was ended everywhere.', {
    hint: 'log in at the issuer again',
  });
}

async function take(
  { namespaces, spentTokens, keys, now = Date.now }: TokenExchangeOptions,
  { token, claims, login, namespace, scope }: Taken,
): Promise<ExchangedKey> {
  const person = personOf(login.issuer, String(claims['sub']));
  await refuseLoggedOut(keys, person, claims);
  await dropExpired(namespaces, namespace, now());
  const lifeMs = Math.max(0, Number(claims['exp']) * 1000 - now()) + spareMs;
  if (!(await spentTokens.spend(tokenId(token, claims), lifeMs)))
    throw functionFault('TOKEN_SPENT', 'This token was exchanged for a key already.', {
      hint: 'get a new token: each is worth one key',
    });
  const expiresAt = now() + login.keyMs;
  const label = labelOf(String(claims['sub']));
  const made = await namespaces.createKey(namespace, { scope, label, expiresAt, person });
  try {
    // The person can have logged out meanwhile.
    await refuseLoggedOut(keys, person, claims);
  } catch (error) {
    await namespaces.deleteKey(namespace, made.keyId).catch(() => {});
    throw error;
  }
  return { ...made, namespace, expiresAt };
}

/** A namespace has a limited number of keys, and expired ones count. */
async function dropExpired(
  namespaces: TokenExchangeOptions['namespaces'],
  namespace: string,
  now: number,
): Promise<void> {
  for (const { keyId, label, expiresAt } of await namespaces.listKeys(namespace)) {
    if (expiresAt === null || expiresAt > now || !label.startsWith(labelPrefix)) continue;
    await namespaces.deleteKey(namespace, keyId).catch(() => {});
  }
}

/** A label has at most 64 UTF-16 units. */
function labelOf(subject: string): string {
  return `${labelPrefix}${printable(subject)}`.slice(0, labelLength).replace(/[\uD800-\uDBFF]$/, '');
}

/** An issuer, or a person, chooses the subject. */
function printable(subject: string): string {
  return subject.slice(0, 128).replaceAll(/\p{C}/gu, '?');
}

function denied(what: string, namespace: string | undefined) {
  const where = namespace === undefined ? '' : ` of the namespace '${namespace.slice(0, 256)}'`;
  return functionFault('LOGIN_DENIED', `The operator gives this token no ${what}${where}.`, {
    hint: 'the rules are `oidc.logins` in the configuration of the server',
  });
}
