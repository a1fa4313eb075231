/**
 * Exchanges a token of an issuer that the operator trusts for a short key of a namespace: people log in so, and pipelines
 * deploy without a stored key. The key is an ordinary further key, with a scope and an expiry.
 */
import { type Actor, actAs, type JsonObject } from '../../lib/index.ts';
import {
  type CodeClient,
  type CodeFlow,
  type Issuer,
  issuerIn,
  oidcFault,
  type Tokens,
} from '../../oidc/index.ts';
import type { SessionLogin, SpentTokenStore } from '../../store/index.ts';
import { functionFault } from '../faults.ts';
import { loginLabel } from '../namespaces/further-keys.ts';
import type { Identity } from '../namespaces/identities.ts';
import { isWithin, type KeyScope, parseKeyScope } from '../namespaces/key-scopes.ts';
import { grantedBy, type LoginGrant, type LoginRole, scopeOfRole } from './grants.ts';
import {
  dropExpired,
  type ExchangedKey,
  type LoginKeys,
  makeLoginKey,
  personFor,
  personIn,
  refuseLoggedOut,
  spend,
} from './login-keys.ts';

export interface Login {
  readonly issuer: Issuer;
  readonly audiences: readonly string[];
  /** Undefined: nobody logs in here with `ward login`. */
  readonly client: LoginClient | undefined;
  /** Undefined: nobody logs in to the console at this issuer. */
  readonly console: ConsoleClient | undefined;
  /** How long its keys work. */
  readonly keyMs: number;
  readonly grants: readonly LoginGrant[];
}

/** A public client of the issuer, for the device flow. */
export interface LoginClient {
  readonly clientId: string;
  readonly scopes: string;
}

/** The console as a client of the issuer, for the code flow. */
export interface ConsoleClient extends Omit<CodeClient, 'issuer'> {
  /** Who meets one of these is an operator: claims as in a grant. */
  readonly operators: readonly LoginGrant['claims'][];
}

export interface ExchangeRequest {
  readonly token: string;
  /** Undefined: the only one that the token opens. */
  readonly namespace: string | undefined;
  /** Undefined: all that the token is worth. */
  readonly scope: string | undefined;
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
  /** Whether a key is from a login, so that `endEverywhere` takes it. */
  isOfLogin(identity: Pick<Identity, 'keyId'>): Promise<boolean>;
  /** The same for the person whose session of an operator this is. */
  endOperator(login: Pick<SessionLogin, 'person' | 'name'>): Promise<number>;
  /** The same for the subject of an issuer. */
  endPerson(issuer: string, subject: string): Promise<number>;
}

export interface LoginOptions {
  readonly logins: readonly Login[];
  readonly tokens: Pick<Tokens, 'check'>;
  readonly codeFlow: CodeFlow;
}

interface TokenExchangeOptions extends Pick<LoginOptions, 'logins' | 'tokens'>, LoginKeys {
  readonly spentTokens: SpentTokenStore;
  /** The caches have keys that are gone. */
  readonly onKeysGone: () => void;
}

export const noLogins: LoginOptions = {
  logins: [],
  tokens: {
    async check() {
      throw oidcFault('OIDC_TOKEN_INVALID', 'Nobody logs in here.');
    },
  },
  codeFlow: {
    async begin() {
      throw oidcFault('OIDC_LOGIN_FAILED', 'Nobody logs in here.');
    },
    async finish() {
      throw oidcFault('OIDC_LOGIN_FAILED', 'Nobody logs in here.');
    },
  },
};

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
      const { namespace, role } = choose(granted, wanted);
      const scope = asked === undefined ? scopeOfRole(role) : parseKeyScope(asked);
      if (!isWithin(scope, scopeOfRole(role))) throw denied(`key with the scope '${scope}'`, namespace);
      const { who } = personIn(login.issuer, claims);
      return actAs({ who, ...client }, () => take(options, { token, claims, login, namespace, role, scope }));
    },
    async end({ namespace, keyId }) {
      const keys = await namespaces.listKeys(namespace);
      if (!keys.some((key) => key.keyId === keyId && key.isOfLogin))
        throw functionFault(
          'LOGIN_DENIED',
          'This key is not from a login, so only an admin or the operator can delete it.',
        );
      await namespaces.deleteKey(namespace, keyId);
    },
    async isOfLogin({ keyId }) {
      return ((await keys.byId(keyId))?.person ?? null) !== null;
    },
    async endEverywhere({ keyId }) {
      const { person = null, label = '' } = (await keys.byId(keyId)) ?? {};
      if (person === null)
        throw functionFault('LOGIN_DENIED', 'This key is not from a login, so nobody is logged in with it.');
      return await logOut(person, label.slice(loginLabel.length));
    },
    endOperator: ({ person, name }) => logOut(person, name),
    endPerson(issuer, subject) {
      const { id, who } = personFor(issuer, subject);
      return logOut(id, who);
    },
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

function choose(granted: ReadonlyMap<string, LoginRole>, wanted: string | undefined) {
  const [only, ...others] = [...granted.keys()].sort();
  const namespace = wanted ?? only;
  const role = namespace === undefined ? undefined : granted.get(namespace);
  if (namespace === undefined || role === undefined) throw denied('key', wanted);
  if (wanted === undefined && others.length > 0) {
    const names = [only, ...others].join(', ');
    throw functionFault('LOGIN_AMBIGUOUS', `This token opens several namespaces: ${names}.`, {
      hint: 'name one of them as the audience',
    });
  }
  return { namespace, role };
}

interface Taken {
  readonly token: string;
  readonly claims: JsonObject;
  readonly login: Login;
  readonly namespace: string;
  readonly role: LoginRole;
  readonly scope: KeyScope;
}

async function take(
  options: TokenExchangeOptions,
  { token, claims, login, namespace, role, scope }: Taken,
): Promise<ExchangedKey> {
  const { spentTokens, now = Date.now } = options;
  const person = personIn(login.issuer, claims);
  await refuseLoggedOut(options, person, namespace);
  await dropExpired(options, namespace);
  await spend(spentTokens, token, claims, now());
  return await makeLoginKey(options, { person, namespace, role, scope, keyMs: login.keyMs });
}

function denied(what: string, namespace: string | undefined) {
  const where = namespace === undefined ? '' : ` of the namespace '${namespace.slice(0, 256)}'`;
  return functionFault('LOGIN_DENIED', `The operator gives this token no ${what}${where}.`, {
    hint: 'the rules are `oidc.logins` in the configuration of the server',
  });
}
