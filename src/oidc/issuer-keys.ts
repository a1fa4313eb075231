/**
 * Keeps the keys of issuers. Ward renews them while they are in use, and at once for a token whose key it does not know,
 * but not again and again. Keys that it could not renew for too long are not used any more.
 */
import type { JWTVerifyGetKey } from 'jose';
import { BoundedMap, isFault, type Log, messageOf } from '../lib/index.ts';
import { oidcFault } from './faults.ts';
import type { Issuer } from './issuer.ts';

/** An issuer, and for whom its keys are read. */
export interface KeyOwner {
  readonly issuer: Issuer;
  /** The namespace that names the issuer. Undefined: the operator does. */
  readonly namespace: string | undefined;
}

export type LoadKeys = (owner: KeyOwner) => Promise<JWTVerifyGetKey>;

export interface IssuerKeys {
  /** @throws Fault OIDC_UNAVAILABLE */
  keys(owner: KeyOwner): Promise<JWTVerifyGetKey>;
  /**
   * Reads the keys again for a token whose key is unknown. Undefined if that was done a moment ago.
   * @throws Fault OIDC_UNAVAILABLE
   */
  newerKeys(owner: KeyOwner): Promise<JWTVerifyGetKey | undefined>;
}

interface IssuerKeysOptions {
  readonly load: LoadKeys;
  readonly log: Log;
  /** Milliseconds; never goes back. */
  readonly now?: () => number;
}

interface Held {
  readonly namespace: string | undefined;
  keys: JWTVerifyGetKey | undefined;
  loadedAt: number;
  triedAt: number;
  usedAt: number;
  loading: Promise<JWTVerifyGetKey> | undefined;
}

/** Keys older than this are renewed beside the calls that use them. */
const renewAfterMs = 5 * 60_000;
/** Keys older than this are not used. */
const trustedForMs = 15 * 60_000;
/** Time between two tries while an issuer has no keys, and between two for tokens with unknown keys. */
const againAfterMs = 10_000;
const unknownAgainAfterMs = 30_000;
/** Issuers of one namespace. One that was not used for a while gives up its place. */
const mostOfNamespace = 16;
const keepsPlaceMs = 10 * 60_000;
/** Issuers that namespaces name. */
const mostInAll = 1000;

export function createIssuerKeys({
  load,
  log,
  now = () => performance.now(),
}: IssuerKeysOptions): IssuerKeys {
  const operators = new Map<string, Held>();
  const named = new BoundedMap<string, Held>(mostInAll);
  const held = (owner: KeyOwner): Held => {
    const { issuer, namespace } = owner;
    const map = namespace === undefined ? operators : named;
    const key = namespace === undefined ? issuer : `${namespace} ${issuer}`;
    const known = map.get(key);
    if (known === undefined && namespace !== undefined) makeRoom(named, namespace, now());
    const entry = known ?? {
      ...{ namespace, keys: undefined, loading: undefined, loadedAt: 0 },
      ...{ triedAt: Number.NEGATIVE_INFINITY, usedAt: 0 },
    };
    entry.usedAt = now();
    if (known === undefined) map.set(key, entry);
    return entry;
  };
  const renew = (owner: KeyOwner, entry: Held): Promise<JWTVerifyGetKey> => {
    if (entry.loading !== undefined) return entry.loading;
    entry.triedAt = now();
    const done = load(owner)
      .then((keys) => {
        entry.keys = keys;
        entry.loadedAt = now();
        return keys;
      })
      .catch((error: unknown) => {
        log.warn({ ...owner, reason: messageOf(error) }, 'no keys of an OpenID issuer');
        throw isFault(error, 'OIDC_UNAVAILABLE') ? error : unavailable();
      })
      .finally(() => {
        entry.loading = undefined;
      });
    entry.loading = done;
    return done;
  };
  return {
    async keys(owner) {
      const entry = held(owner);
      const age = now() - entry.loadedAt;
      const mayTry = now() - entry.triedAt >= againAfterMs;
      if (entry.keys !== undefined && age < trustedForMs) {
        if (age >= renewAfterMs && mayTry) renew(owner, entry).catch(() => {});
        return entry.keys;
      }
      if (entry.loading !== undefined || mayTry) return renew(owner, entry);
      throw unavailable();
    },
    async newerKeys(owner) {
      const entry = held(owner);
      if (entry.loading !== undefined) return entry.loading;
      return now() - entry.triedAt < unknownAgainAfterMs ? undefined : renew(owner, entry);
    },
  };
}

/** @throws Fault OIDC_UNAVAILABLE when all places of the namespace are in use */
function makeRoom(named: Map<string, Held>, namespace: string, now: number): void {
  // Names may contain spaces, so the beginnings of keys tell no namespaces apart.
  const own = [...named].filter(([, held]) => held.namespace === namespace);
  const idle = own.filter(([, { usedAt }]) => now - usedAt >= keepsPlaceMs);
  for (const [key] of idle) named.delete(key);
  if (own.length - idle.length < mostOfNamespace) return;
  throw oidcFault(
    'OIDC_UNAVAILABLE',
    `The namespace uses ${mostOfNamespace} OpenID issuers already, which is the most.`,
    { retryAfterMs: keepsPlaceMs },
  );
}

/** Says no more, because the reason could describe the operator's network to a tenant. The log has it. */
function unavailable() {
  return oidcFault(
    'OIDC_UNAVAILABLE',
    'The token cannot be checked now: the keys of its issuer cannot be read, or the operator does not allow the issuer.',
    { retryAfterMs: againAfterMs },
  );
}
