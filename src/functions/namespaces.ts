/**
 * Namespaces and their keys: who a request comes from, and what the operator does with namespaces. A
 * namespace has one key, and its subject has its name. A deleted namespace is not remembered: its name can
 * be created again and starts empty.
 */
import { hash } from 'node:crypto';
import type { NamespaceLimits } from '../invoker/index.ts';
import type { NamespaceRow, Store } from '../store/index.ts';
import { type BoundedCache, createBoundedCache } from './bounded-cache.ts';
import { functionFault, notFound } from './faults.ts';
import {
  type ApiKey,
  formatApiKey,
  hashSecret,
  invalidAuthentication,
  isSecret,
  newApiKey,
  parseAuthorization,
} from './keys.ts';
import {
  type NamespaceRatesPatch,
  parseStoredRates,
  patchRates,
  type SystemLimits,
  type UserLimits,
  userLimits,
} from './limits.ts';
import { type NamespaceName, parseNamespaceName } from './names.ts';

/** Who a request comes from. */
export interface Identity {
  readonly namespace: NamespaceName;
  readonly subject: string;
  readonly keyId: string;
  /** Tells a namespace from an earlier one of the same name. Epoch milliseconds. */
  readonly createdAt: number;
  readonly limits: UserLimits & NamespaceLimits;
}

export interface NamespaceDescription {
  readonly name: NamespaceName;
  readonly keyId: string;
  /** Epoch milliseconds. */
  readonly createdAt: number;
  readonly limits: UserLimits;
}

export interface NamespaceService {
  /**
   * Whose key an `Authorization` header holds; at once when it was seen lately.
   * @throws Fault AUTHENTICATION_MISSING, AUTHENTICATION_INVALID
   */
  authenticate(header: string | undefined): Identity | Promise<Identity>;
  /** Creates it and returns its key, `uuid:secret`, which is shown only now. @throws Fault NAME_INVALID, NAMESPACE_EXISTS */
  create(name: string): Promise<string>;
  /** With all its entities and activations. @throws Fault NOT_FOUND */
  delete(name: string): Promise<void>;
  /** The old key opens nothing from now on. Returns the new one. @throws Fault NOT_FOUND */
  rotateKey(name: string): Promise<string>;
  /** @throws Fault NOT_FOUND, LIMIT_OUT_OF_RANGE */
  setLimits(name: string, patch: NamespaceRatesPatch): Promise<NamespaceDescription>;
  list(): Promise<readonly NamespaceDescription[]>;
  /** @throws Fault NOT_FOUND */
  get(name: string): Promise<NamespaceDescription>;
  /** When the namespace of this name was created, at once when it was asked lately; undefined when there is none. */
  createdAt(name: string): number | undefined | Promise<number | undefined>;
  /** Forgets what was read from the store. */
  forget(): void;
}

const cacheCapacity = 10_000;
/** Longer than any header with a key of Ward's. */
const longestKeyHeader = 256;

export function createNamespaces(store: Pick<Store, 'namespaces'>, system: SystemLimits): NamespaceService {
  const rows = store.namespaces;
  const identities: BoundedCache<Identity> = createBoundedCache(cacheCapacity);
  const creationTimes: BoundedCache<number> = createBoundedCache(cacheCapacity);
  const forget = () => {
    identities.clear();
    creationTimes.clear();
  };
  const mustFind = async (name: string): Promise<NamespaceRow> => {
    const row = await rows.byName(parseNamespaceName(name));
    if (row === undefined) throw notFound();
    return row;
  };
  const update = async (row: NamespaceRow): Promise<void> => {
    const done = await rows.update(row);
    forget();
    if (!done) throw notFound();
  };

  return {
    forget,
    authenticate(header) {
      const key = cacheKeyOf(header ?? '');
      const known = identities.get(key);
      if (known !== undefined) return known;
      return identities
        .load(key, () => identify(store, system, parseAuthorization(header)))
        .then((identity) => {
          if (identity === undefined) throw invalidAuthentication();
          return identity;
        });
    },
    async create(name) {
      const apiKey = newApiKey();
      const row = rowOf(parseNamespaceName(name), apiKey);
      if (!(await rows.create(row))) {
        throw functionFault('NAMESPACE_EXISTS', `the namespace '${name}' already exists`);
      }
      forget();
      return formatApiKey(apiKey);
    },
    async delete(name) {
      const deleted = await rows.delete(parseNamespaceName(name));
      forget();
      if (!deleted) throw notFound();
    },
    async rotateKey(name) {
      const apiKey = newApiKey();
      const row = await mustFind(name);
      await update({ ...row, keyId: apiKey.id, keyHash: hashSecret(apiKey.secret) });
      return formatApiKey(apiKey);
    },
    async setLimits(name, patch) {
      const row = await mustFind(name);
      const changed = { ...row, limits: { ...patchRates(parseStoredRates(row.limits), patch) } };
      await update(changed);
      return describe(changed, system);
    },
    async list() {
      return (await rows.list()).map((row) => describe(row, system));
    },
    async get(name) {
      return describe(await mustFind(name), system);
    },
    createdAt(name) {
      const known = creationTimes.get(name);
      return known ?? creationTimes.load(name, async () => (await rows.byName(name))?.createdAt);
    },
  };
}

async function identify(
  store: Pick<Store, 'namespaces'>,
  system: SystemLimits,
  key: ApiKey,
): Promise<Identity | undefined> {
  const row = await store.namespaces.byKeyId(key.id);
  if (row === undefined || !isSecret(key.secret, row.keyHash)) return undefined;
  const { name: namespace, keyId, createdAt, limits } = describe(row, system);
  return Object.freeze({ namespace, subject: namespace, keyId, createdAt, limits });
}

function describe(row: NamespaceRow, system: SystemLimits): NamespaceDescription {
  const { keyId, createdAt } = row;
  const limits = userLimits(system, parseStoredRates(row.limits));
  return { name: parseNamespaceName(row.name), keyId, createdAt, limits };
}

function rowOf(name: NamespaceName, key: ApiKey): NamespaceRow {
  return { name, keyId: key.id, keyHash: hashSecret(key.secret), limits: {}, createdAt: Date.now() };
}

/** The header itself, which spares every call a hash; but nothing from outside fills the memory with long ones. */
function cacheKeyOf(header: string): string {
  return header.length <= longestKeyHeader ? header : hash('sha256', header, 'base64');
}
