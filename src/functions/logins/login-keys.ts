/**
 * What all logins at an issuer have in common: whose they are, that a token is worth one key, and that a person who has
 * logged out everywhere stays out until the next login.
 */
import { hash } from 'node:crypto';
import type { JsonObject } from '../../lib/index.ts';
import { type Issuer, tokenId } from '../../oidc/index.ts';
import type { NamespaceMemberStore, SpentTokenStore, Store } from '../../store/index.ts';
import { functionFault } from '../faults.ts';
import { loginLabel, type NewKey } from '../namespaces/further-keys.ts';
import type { KeyScope } from '../namespaces/key-scopes.ts';
import type { NamespaceService } from '../namespaces/namespaces.ts';
import type { LoginRole } from './grants.ts';

export interface LoginKeys {
  readonly namespaces: Pick<NamespaceService, 'createKey' | 'deleteKey' | 'listKeys'>;
  readonly keys: Pick<Store['keys'], 'byId' | 'logOut' | 'loggedOutAt'>;
  readonly members: Pick<NamespaceMemberStore, 'endedAt'>;
  /** Epoch milliseconds. */
  readonly now?: () => number;
}

export interface LoginPerson {
  /** The same for each login of a subject at an issuer. */
  readonly id: string;
  /** The subject, printable. */
  readonly subject: string;
  /** For the audit log: the subject and the issuer. */
  readonly who: string;
  /** When the person logged in at the issuer; epoch milliseconds. */
  readonly begunAt: number;
}

export interface ExchangedKey extends NewKey {
  readonly namespace: string;
  readonly expiresAt: number;
}

interface KeyOfLogin {
  readonly person: LoginPerson;
  readonly namespace: string;
  readonly role: LoginRole;
  readonly scope: KeyScope;
  /** How long it works. */
  readonly keyMs: number;
}

const labelLength = 64;
/** The clock of the database may be behind, and a token is valid a little longer than it says. */
const spareMs = 120_000;

/** `auth_time` stays when a token is refreshed, `iat` does not. */
export function personIn(issuer: Issuer, { sub, auth_time: authTime, iat }: JsonObject): LoginPerson {
  return { ...personFor(issuer, String(sub)), begunAt: Number(authTime ?? iat ?? 0) * 1000 };
}

/** An issuer and a subject can be long, and the subject hostile. */
export function personFor(issuer: string, subject: string): Omit<LoginPerson, 'begunAt'> {
  const text = printable(subject);
  const id = hash('sha256', JSON.stringify([issuer, subject]), 'hex');
  return { id, subject: text, who: `${text} of ${issuer}` };
}

/** Uses a token up. @throws Fault TOKEN_SPENT */
export async function spend(
  spentTokens: SpentTokenStore,
  token: string,
  claims: JsonObject,
  now: number,
): Promise<void> {
  const lifeMs = Math.max(0, Number(claims['exp']) * 1000 - now) + spareMs;
  if (await spentTokens.spend(tokenId(token, claims), lifeMs)) return;
  throw functionFault('TOKEN_SPENT', 'This token was exchanged for a key already.', {
    hint: 'get a new token: each is worth one key',
  });
}

/**
 * Refuses a login from before the person logged out everywhere, or was logged out of the namespace.
 * @throws Fault LOGIN_ENDED
 */
export async function refuseLoggedOut(
  { keys, members }: Pick<LoginKeys, 'keys' | 'members'>,
  { id, begunAt }: Pick<LoginPerson, 'id' | 'begunAt'>,
  namespace?: string,
): Promise<void> {
  refuseEnded(begunAt, await endsOf({ keys, members }, id, namespace));
}

/** @param ends epoch milliseconds @throws Fault LOGIN_ENDED */
function refuseEnded(begunAt: number, ends: readonly (number | undefined)[]): void {
  // Issuers tell whole seconds.
  if (ends.some((at) => at !== undefined && begunAt < Math.floor(at / 1000) * 1000)) throw ended();
}

function endsOf({ keys, members }: Pick<LoginKeys, 'keys' | 'members'>, person: string, namespace?: string) {
  const here = namespace === undefined ? undefined : members.endedAt(namespace, person);
  return Promise.all([keys.loggedOutAt(person), here]);
}

function ended() {
  return functionFault('LOGIN_ENDED', 'This login was ended.', { hint: 'log in at the issuer again' });
}

/** @throws Fault LOGIN_ENDED, NOT_FOUND, KEYS_EXHAUSTED */
export async function makeLoginKey(
  options: LoginKeys,
  { person, namespace, role, scope, keyMs }: KeyOfLogin,
): Promise<ExchangedKey> {
  const { namespaces, now = Date.now } = options;
  const before = await endsOf(options, person.id, namespace);
  refuseEnded(person.begunAt, before);
  const expiresAt = now() + keyMs;
  const label = labelOf(person.subject);
  const login = { person: person.id, role };
  const made = await namespaces.createKey(namespace, { scope, label, expiresAt, login, maker: person.who });
  try {
    // Who was logged out meanwhile gets nothing, however new the login is.
    const after = await endsOf(options, person.id, namespace);
    if (after.some((at, which) => at !== before[which])) throw ended();
  } catch (error) {
    await namespaces.deleteKey(namespace, made.keyId).catch(() => {});
    throw error;
  }
  return { ...made, namespace, expiresAt };
}

/** A namespace has a limited number of keys, and expired ones count. */
export async function dropExpired(
  { namespaces, now = Date.now }: LoginKeys,
  namespace: string,
): Promise<void> {
  for (const { keyId, label, expiresAt } of await namespaces.listKeys(namespace)) {
    if (expiresAt === null || expiresAt > now() || !label.startsWith(loginLabel)) continue;
    await namespaces.deleteKey(namespace, keyId).catch(() => {});
  }
}

/** A label has at most 64 UTF-16 units. */
function labelOf(subject: string): string {
  return `${loginLabel}${subject}`.slice(0, labelLength).replace(/[\uD800-\uDBFF]$/, '');
}

/** An issuer, or a person, chooses the subject. */
function printable(subject: string): string {
  return subject.slice(0, 128).replaceAll(/\p{C}/gu, '?');
}
