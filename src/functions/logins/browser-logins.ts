/**
 * Logs people in to the console at an issuer of the operator's. What the claims of the ID token open is an offer, which is
 * taken at once when there is nothing to choose. A session of such a login has a key of its own, which ends with it.
 */
import { z } from 'zod';
import { type Actor, actAs, type JsonObject } from '../../lib/index.ts';
import { type Issuer, oidcFault } from '../../oidc/index.ts';
import type { SpentTokenStore } from '../../store/index.ts';
import { functionFault } from '../faults.ts';
import type { BegunSession, PersonSessions } from '../sessions/sessions.ts';
import { grantedBy, isMet, roles, scopeOfRole } from './grants.ts';
import {
  dropExpired,
  type LoginKeys,
  type LoginPerson,
  makeLoginKey,
  personIn,
  refuseLoggedOut,
  spend,
} from './login-keys.ts';
import type { ConsoleClient, Login, LoginOptions } from './token-exchange.ts';

export interface BrowserLogins {
  /** Where people log in to the console. */
  readonly issuers: readonly Issuer[];
  /**
   * What the browser opens at the issuer.
   * @param secret only this browser has it
   * @param isAnew the person shall log in there even if the issuer remembers an earlier login
   * @throws Fault OIDC_LOGIN_FAILED, OIDC_UNAVAILABLE
   */
  leave(issuer: string, secret: string, isAnew: boolean): Promise<URL>;
  /**
   * Begins the sessions of a person who comes back from the issuer; one of the kind `choice` when there is a choice.
   * @param mayOperate whether this browser may be an operator's at all
   * @throws Fault OIDC_LOGIN_FAILED, OIDC_UNAVAILABLE, OIDC_TOKEN_INVALID, LOGIN_DENIED, LOGIN_ENDED, TOKEN_SPENT,
   * NOT_FOUND, KEYS_EXHAUSTED
   */
  arrive(back: ComingBack, client: Omit<Actor, 'who'>): Promise<readonly BegunSession[]>;
  /** What a session of the kind `choice` offers. Undefined when it has ended. */
  choices(token: string): Promise<Choices | undefined>;
  /**
   * Uses a session of the kind `choice` up, and begins those that were chosen.
   * @param namespace null: none, only as an operator
   * @throws Fault LOGIN_INVALID, LOGIN_DENIED, LOGIN_ENDED, NOT_FOUND, KEYS_EXHAUSTED
   */
  choose(
    token: string,
    namespace: string | null,
    client: Omit<Actor, 'who'>,
  ): Promise<readonly BegunSession[]>;
}

export interface ComingBack {
  readonly issuer: string;
  readonly secret: string;
  /** What the issuer had the browser send. */
  readonly query: string;
  readonly mayOperate: boolean;
  /** The namespace of the session that this login renews; null: of an operator without one. It needs no choice if it is offered. */
  readonly renews?: string | null;
}

export interface Choices {
  readonly name: string;
  readonly namespaces: readonly string[];
  readonly operator: boolean;
}

interface BrowserLoginOptions extends LoginOptions, LoginKeys {
  readonly sessions: PersonSessions;
  readonly spentTokens: SpentTokenStore;
  /** Where clients reach Ward, without a slash at its end. */
  readonly apiHost: () => string;
}

/** The store has it while a person chooses. */
const offerSchema = z.object({
  person: z.object({ id: z.string(), subject: z.string(), who: z.string(), begunAt: z.number() }),
  keyMs: z.number(),
  namespaces: z.record(z.string(), z.enum(roles)),
  operator: z.boolean(),
});
type Offer = z.infer<typeof offerSchema>;

/** Below `apiHost`, the issuer knows it as the redirect URI. */
export const callbackPath = '/console/session/callback';

export function createBrowserLogins(options: BrowserLoginOptions): BrowserLogins {
  const { logins, codeFlow, sessions, apiHost } = options;
  const away = (secret: string) => ({ secret, redirectUri: apiHost() + callbackPath });
  return {
    issuers: [...new Set(logins.flatMap((each) => (each.console === undefined ? [] : [each.issuer])))],
    async leave(issuer, secret, isAnew) {
      return await codeFlow.begin(clientOf(logins, issuer).client, away(secret), isAnew);
    },
    async arrive({ issuer, secret, query, mayOperate, renews }, client) {
      const { login, client: known } = clientOf(logins, issuer);
      const token = await codeFlow.finish(known, away(secret), query);
      const demand = { issuer: login.issuer, audiences: [known.clientId], scopes: [] };
      const claims = await options.tokens.check(token, demand, undefined);
      const offer = offerIn(login, known, claims, mayOperate);
      await refuseLoggedOut(options, offer.person);
      await spend(options.spentTokens, token, claims, (options.now ?? Date.now)());
      const [only = null, ...others] = Object.keys(offer.namespaces);
      const isKept = renews !== undefined && isOffered(offer, renews);
      if (isKept || others.length === 0) {
        const taken = isKept ? renews : only;
        return await actAs({ who: offer.person.who, ...client }, () => take(options, offer, taken));
      }
      return [await sessions.beginChoice(loginOf(offer.person), JSON.stringify(offer))];
    },
    async choices(token) {
      const offer = offerOf(await sessions.offerOf(token));
      if (offer === undefined) return undefined;
      return {
        name: offer.person.who,
        namespaces: Object.keys(offer.namespaces).sort(),
        operator: offer.operator,
      };
    },
    async choose(token, namespace, client) {
      const known = offerOf(await sessions.offerOf(token));
      if (known !== undefined) requireOffered(known, namespace);
      const offer = offerOf(await sessions.endChoice(token));
      if (offer === undefined)
        throw functionFault('LOGIN_INVALID', 'This choice was made already, or has expired.', {
          hint: 'Log in at the issuer again.',
        });
      return await actAs({ who: offer.person.who, ...client }, () => take(options, offer, namespace));
    },
  };
}

/** @throws Fault OIDC_LOGIN_FAILED */
function clientOf(logins: readonly Login[], issuer: string) {
  for (const login of logins)
    if (login.issuer === issuer && login.console !== undefined)
      return { login, client: { ...login.console, issuer: login.issuer } };
  throw oidcFault('OIDC_LOGIN_FAILED', 'Nobody logs in to the console at this issuer.');
}

/** @throws Fault LOGIN_DENIED when it opens nothing */
function offerIn(login: Login, { operators }: ConsoleClient, claims: JsonObject, mayOperate: boolean): Offer {
  const namespaces = Object.fromEntries(grantedBy(claims, login.grants));
  const operator = mayOperate && operators.some((each) => isMet(claims, each));
  if (!operator && Object.keys(namespaces).length === 0)
    throw functionFault('LOGIN_DENIED', 'The operator gives this login nothing to see.', {
      hint: 'the rules are `oidc.logins` in the configuration of the server',
    });
  const person = personIn(login.issuer, claims);
  return offerSchema.parse({ person, keyMs: login.keyMs, namespaces, operator });
}

function offerOf(text: string | undefined): Offer | undefined {
  // Another version of Ward may have made it.
  return text === undefined ? undefined : offerSchema.safeParse(JSON.parse(text)).data;
}

function isOffered({ namespaces, operator }: Offer, namespace: string | null): boolean {
  return namespace === null ? operator : Object.hasOwn(namespaces, namespace);
}

/** @throws Fault LOGIN_DENIED */
function requireOffered(offer: Offer, namespace: string | null): void {
  if (isOffered(offer, namespace)) return;
  throw functionFault('LOGIN_DENIED', 'The operator gives this login no such key.');
}

async function take(
  options: BrowserLoginOptions,
  { person, keyMs, namespaces, operator }: Offer,
  namespace: string | null,
): Promise<readonly BegunSession[]> {
  const { sessions } = options;
  const begun: BegunSession[] = [];
  const role = namespace === null ? undefined : namespaces[namespace];
  try {
    if (namespace !== null && role !== undefined) {
      const scope = scopeOfRole(role);
      await dropExpired(options, namespace);
      const { keyId } = await makeLoginKey(options, { person, namespace, role, scope, keyMs });
      begun.push(await sessions.beginKey(loginOf(person), keyId, keyMs));
    }
    if (operator) {
      begun.push(await sessions.beginOperatorOf(loginOf(person), keyMs));
      // The person can have logged out everywhere meanwhile.
      await refuseLoggedOut(options, person);
    }
    return begun;
  } catch (error) {
    for (const { token, kind } of begun) await sessions.end(token, kind).catch(() => {});
    throw error;
  }
}

function loginOf({ id, who }: LoginPerson) {
  return { person: id, name: who };
}
