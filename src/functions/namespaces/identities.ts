/**
 * Who sends a request. Every request asks, so what was read from the store is cached until something changes. An
 * expiring key is cached with its expiry, and refused after it.
 */
import { hash } from 'node:crypto';
import type { NamespaceLimits } from '../../dispatch/index.ts';
import type { KeyRow, NamespaceRow, Store } from '../../store/index.ts';
import { createBoundedCache } from '../entities/bounded-cache.ts';
import type { Forgetful } from '../entities/changed.ts';
import { corrupt } from '../entities/entity-row.ts';
import { type NamespaceName, parseNamespaceName } from '../entities/names.ts';
import { functionFault } from '../faults.ts';
import type { SystemLimits, UserLimits } from '../limits.ts';
import { type KeyScope, keyScopes } from './key-scopes.ts';
import { type ApiKey, invalidAuthentication, isSecret, parseAuthorization } from './keys.ts';
import { parseStoredLimits, userLimits } from './namespace-limits.ts';

export interface Identity {
  readonly namespace: NamespaceName;
  readonly subject: string;
  /** Id of the key that was sent, or of the namespace's first key. */
  readonly keyId: string;
  readonly scope: KeyScope;
  /** Whose login the key is from, as in the audit log. Absent for any other key. */
  readonly person?: string | undefined;
  /** Aborted when the run ends that the key was lent for. Absent: it was not lent. */
  readonly lentUntil?: AbortSignal | undefined;
  /** Tells a namespace from an earlier one of the same name. Epoch milliseconds. */
  readonly createdAt: number;
  readonly limits: UserLimits & NamespaceLimits;
}

/** Its name in the audit log: of the namespace, the key, and the person whose login the key is from. */
export function actorOf(identity: Pick<Identity, 'namespace' | 'keyId' | 'person'>): string {
  return `${identity.namespace} ${keyActorOf(identity)}`;
}

/** Its name in entries that have a field for the namespace. */
export function keyActorOf({ keyId, person }: Pick<Identity, 'keyId' | 'person'>): string {
  return person === undefined ? keyId : `${keyId} ${person}`;
}

export interface Identities extends Forgetful {
  /** @throws Fault AUTHENTICATION_MISSING, AUTHENTICATION_INVALID, AUTHENTICATION_STALE */
  authenticate(header: string | undefined): Identity | Promise<Identity>;
  /**
   * The namespace itself, with all rights of its code. Undefined if there is no such namespace.
   * @throws Fault AUTHENTICATION_STALE
   */
  ofNamespace(name: string): Identity | undefined | Promise<Identity | undefined>;
  /**
   * The identity of a key whose secret was checked before. Undefined if it was revoked since, or has expired.
   * @throws Fault AUTHENTICATION_STALE
   */
  ofKey(keyId: string): Identity | undefined | Promise<Identity | undefined>;
  /** When it expires, in epoch milliseconds; infinite if it does not. Undefined and faults as of `ofKey`. */
  expiryOf(keyId: string): Promise<number | undefined>;
}

/** Whether what was read from the store lately can still be trusted. */
export type IsCurrent = () => boolean | Promise<boolean>;

interface Admitted {
  readonly identity: Identity;
  /** Epoch milliseconds. Infinite if it does not expire. */
  readonly expiresAt: number;
}

const cacheCapacity = 10_000;
/** Longer than any header with one of Ward's keys. */
const longestKeyHeader = 256;

export function createIdentities(
  store: Pick<Store, 'namespaces' | 'keys'>,
  system: SystemLimits,
  now: () => number,
  isCurrent: IsCurrent,
): Identities {
  const byHeader = createBoundedCache<Admitted>(cacheCapacity);
  const byName = createBoundedCache<Identity>(cacheCapacity);
  const byKey = createBoundedCache<Admitted>(cacheCapacity);
  const admit = (admitted: Admitted | undefined): Identity => {
    if (admitted === undefined || admitted.expiresAt <= now()) throw invalidAuthentication();
    return admitted.identity;
  };
  /** @throws Fault AUTHENTICATION_STALE */
  const trusted = <T>(find: () => T | Promise<T>): T | Promise<T> => {
    const current = isCurrent();
    if (current === true) return find();
    if (current === false) throw unavailable();
    return current.then((isNow) => {
      if (!isNow) throw unavailable();
      return find();
    });
  };
  const authenticate = (header: string | undefined): Identity | Promise<Identity> => {
    const key = cacheKeyOf(header ?? '');
    const known = byHeader.get(key);
    if (known !== undefined) return admit(known);
    return byHeader.load(key, () => identify(store, system, parseAuthorization(header))).then(admit);
  };
  const ofNamespace = (name: string): Identity | undefined | Promise<Identity | undefined> => {
    const known = byName.get(name);
    return (
      known ??
      byName.load(name, async () => {
        const row = await store.namespaces.byName(name);
        return row === undefined ? undefined : identityOf(row, row.keyId, 'full', system);
      })
    );
  };
  const valid = (admitted: Admitted | undefined): Admitted | undefined =>
    admitted !== undefined && admitted.expiresAt > now() ? admitted : undefined;
  const admittedOf = (keyId: string): Admitted | undefined | Promise<Admitted | undefined> => {
    const known = byKey.get(keyId);
    if (known !== undefined) return valid(known);
    return byKey.load(keyId, async () => (await findKey(store, system, keyId))?.admitted).then(valid);
  };
  const ofKey = (keyId: string): Identity | undefined | Promise<Identity | undefined> => {
    const admitted = admittedOf(keyId);
    return admitted instanceof Promise ? admitted.then((found) => found?.identity) : admitted?.identity;
  };
  return {
    authenticate: (header) => trusted(() => authenticate(header)),
    ofNamespace: (name) => trusted(() => ofNamespace(name)),
    ofKey: (keyId) => trusted(() => ofKey(keyId)),
    expiryOf: async (keyId) => (await trusted(() => admittedOf(keyId)))?.expiresAt,
    forget(changed) {
      const isOld = ({ namespace, keyId }: Identity) =>
        changed === undefined || changed.namespaces.has(namespace) || changed.keys.has(keyId);
      for (const cache of [byHeader, byKey]) cache.dropWhere(({ identity }) => isOld(identity));
      byName.dropWhere(isOld);
    },
  };
}

function unavailable() {
  return functionFault('AUTHENTICATION_STALE', 'Keys cannot be checked now.', {
    hint: 'Ward cannot read its database, so it does not see which keys were revoked. Try again later.',
    retryAfterMs: 1000,
  });
}

async function identify(
  store: Pick<Store, 'namespaces' | 'keys'>,
  system: SystemLimits,
  { id, secret }: ApiKey,
): Promise<Admitted | undefined> {
  const found = await findKey(store, system, id);
  return found !== undefined && isSecret(secret, found.keyHash) ? found.admitted : undefined;
}

interface FoundKey {
  readonly keyHash: string;
  readonly admitted: Admitted;
}

async function findKey(
  { namespaces, keys }: Pick<Store, 'namespaces' | 'keys'>,
  system: SystemLimits,
  id: string,
): Promise<FoundKey | undefined> {
  const owner = await namespaces.byKeyId(id);
  if (owner !== undefined) {
    const identity = identityOf(owner, id, 'admin', system);
    return { keyHash: owner.keyHash, admitted: { identity, expiresAt: Number.POSITIVE_INFINITY } };
  }
  const key = await keys.byId(id);
  const row = key && (await namespaces.byName(key.namespace));
  if (key === undefined || row === undefined) return undefined;
  const identity = identityOf(row, id, scopeOf(key), system, personOf(key));
  return {
    keyHash: key.keyHash,
    admitted: { identity, expiresAt: key.expiresAt ?? Number.POSITIVE_INFINITY },
  };
}

function personOf({ person, maker }: KeyRow): string | undefined {
  return person === null ? undefined : (maker ?? undefined);
}

function identityOf(
  row: NamespaceRow,
  keyId: string,
  scope: KeyScope,
  system: SystemLimits,
  person?: string,
): Identity {
  const namespace = parseNamespaceName(row.name);
  const limits = userLimits(system, parseStoredLimits(row.limits));
  return Object.freeze({
    ...{ namespace, subject: namespace, keyId, scope, createdAt: row.createdAt, limits },
    ...(person === undefined ? {} : { person }),
  });
}

/** @throws Fault STORED_ENTITY_CORRUPT */
export function scopeOf(key: Pick<KeyRow, 'scope'>): KeyScope {
  const scope = keyScopes.find((each) => each === key.scope);
  if (scope === undefined) throw corrupt();
  return scope;
}

/**
 * Uses the header itself, which saves a hash per call. Long headers are hashed, so that they cannot fill the memory.
 */
function cacheKeyOf(header: string): string {
  return header.length <= longestKeyHeader ? header : hash('sha256', header, 'base64');
}
