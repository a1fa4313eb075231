/**
 * Sessions of browsers: a random token stands for a key that was checked once, or for an operator. The store has only
 * hashes of tokens. A session ends at logout, with its time, when it was idle, and with its key.
 */
import { hash, randomBytes } from 'node:crypto';
import type { SessionKind, SessionLogin, SessionStore } from '../../store/index.ts';
import { functionFault } from '../faults.ts';
import type { Identity, NamespaceService } from '../namespaces/namespaces.ts';

/** A session that has begun, with its secret. */
export interface BegunSession {
  readonly token: string;
  readonly kind: SessionOwner;
  readonly lifeMs: number;
}

export type SessionOwner = Exclude<SessionKind, 'login'>;

export interface SessionService {
  /** @param key `uuid:secret`. @throws Fault AUTHENTICATION_INVALID, AUTHENTICATION_STALE */
  begin(key: string): Promise<BegunSession>;
  /** @param login of `newLogin`, which it uses up. @throws Fault LOGIN_INVALID */
  beginOperator(login: string): Promise<BegunSession>;
  /** Undefined when the session has ended. @throws Fault AUTHENTICATION_STALE */
  identityOf(token: string): Promise<Identity | undefined>;
  /** Undefined when the session has ended, or is not of an operator. */
  operatorOf(token: string): Promise<OperatorSession | undefined>;
  /** The time until it ends, however much it is used. Undefined when it has ended. */
  leftMs(token: string, kind: SessionOwner): Promise<number | undefined>;
  /** Does nothing when it has ended. The key of a login at an issuer ends with its session. */
  end(token: string, kind: SessionOwner): Promise<void>;
}

export interface OperatorSession {
  /** Whose login at an issuer it is from. Undefined: it began with `ward console login`. */
  readonly login: PersonLogin | undefined;
}

export type PersonLogin = Pick<SessionLogin, 'person' | 'name'>;

/** Sessions of people who have logged in at an issuer. */
export interface PersonSessions extends Pick<SessionService, 'end'> {
  /** @param keyId of a key that was made for this session, and ends with it */
  beginKey(login: PersonLogin, keyId: string, mostMs: number): Promise<BegunSession>;
  beginOperatorOf(login: PersonLogin, mostMs: number): Promise<BegunSession>;
  /** @param offer what there is to choose from */
  beginChoice(login: PersonLogin, offer: string): Promise<BegunSession>;
  /** Undefined when it has ended. */
  offerOf(token: string): Promise<string | undefined>;
  /** Returns the offer, to one of several callers. */
  endChoice(token: string): Promise<string | undefined>;
}

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const lives: Readonly<Record<SessionOwner, { readonly lifeMs: number; readonly idleMs: number }>> = {
  key: { lifeMs: 7 * 24 * hourMs, idleMs: 12 * hourMs },
  operator: { lifeMs: 12 * hourMs, idleMs: hourMs },
  choice: { lifeMs: 5 * minuteMs, idleMs: 5 * minuteMs },
};
/** To open the URL that the command printed. */
const loginMs = 5 * minuteMs;
const tokenBytes = 32;
const tokenPattern = /^[\w-]{43}$/;

export function createSessions(
  store: SessionStore,
  namespaces: Pick<NamespaceService, 'authenticate' | 'ownerOf' | 'deleteKey'>,
): SessionService & PersonSessions {
  const begin = async (
    kind: SessionOwner,
    keyId: string | null,
    login?: SessionLogin,
    mostMs = Number.POSITIVE_INFINITY,
  ): Promise<BegunSession> => {
    const token = newToken();
    const lifeMs = Math.min(lives[kind].lifeMs, mostMs);
    await store.create({ tokenHash: hashOfToken(token), kind, keyId, lifeMs, login });
    return { token, kind, lifeMs };
  };
  const use = async (token: string, kind: SessionOwner) =>
    tokenPattern.test(token) ? await store.use(hashOfToken(token), kind, lives[kind].idleMs) : undefined;
  return {
    async begin(key) {
      const basic = `Basic ${Buffer.from(key.trim(), 'latin1').toString('base64')}`;
      const { keyId } = await namespaces.authenticate(basic);
      return await begin('key', keyId);
    },
    async beginOperator(login) {
      if (!tokenPattern.test(login) || (await store.end(hashOfToken(login), 'login')) === undefined)
        throw loginInvalid();
      return await begin('operator', null);
    },
    async identityOf(token) {
      const session = await use(token, 'key');
      return session?.keyId == null ? undefined : await namespaces.ownerOf(session.keyId);
    },
    operatorOf: (token) => use(token, 'operator'),
    leftMs: async (token, kind) => (await use(token, kind))?.leftMs,
    async end(token, kind) {
      if (!tokenPattern.test(token)) return;
      const { keyId = null, login } = (await store.end(hashOfToken(token), kind)) ?? {};
      if (keyId === null || login === undefined) return;
      const owner = await namespaces.ownerOf(keyId);
      if (owner !== undefined) await namespaces.deleteKey(owner.namespace, keyId);
    },
    beginKey: (login, keyId, mostMs) => begin('key', keyId, { ...login, offer: null }, mostMs),
    beginOperatorOf: (login, mostMs) => begin('operator', null, { ...login, offer: null }, mostMs),
    beginChoice: (login, offer) => begin('choice', null, { ...login, offer }),
    offerOf: async (token) => (await use(token, 'choice'))?.login?.offer ?? undefined,
    async endChoice(token) {
      if (!tokenPattern.test(token)) return undefined;
      return (await store.end(hashOfToken(token), 'choice'))?.login?.offer ?? undefined;
    },
  };
}

export interface OperatorLogin {
  /** Begins one session of an operator. */
  readonly login: string;
  readonly lifeMs: number;
}

/** For those who may write the database. */
export async function newOperatorLogin(store: Pick<SessionStore, 'create'>): Promise<OperatorLogin> {
  const login = newToken();
  await store.create({ tokenHash: hashOfToken(login), kind: 'login', keyId: null, lifeMs: loginMs });
  return { login, lifeMs: loginMs };
}

function newToken(): string {
  return randomBytes(tokenBytes).toString('base64url');
}

/** A token has 256 bits of entropy, so one round of SHA-256 is enough. */
export function hashOfToken(token: string): string {
  return hash('sha256', token, 'hex');
}

function loginInvalid() {
  return functionFault('LOGIN_INVALID', 'This login was used already, or has expired.', {
    hint: 'Make a new one on the machine of Ward: ward console login',
  });
}
