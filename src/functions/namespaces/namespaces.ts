/**
 * Namespaces, their keys and limits, as the operator manages them. A namespace has a first key and may have further
 * ones with fewer rights; its subject equals its name. A deleted namespace leaves nothing: its name can be created
 * again and starts empty.
 */
import type { SandboxAsk } from '../../dispatch/index.ts';
import type { EntityRow, EntityStore, NamespaceRow, Store } from '../../store/index.ts';
import type { Changed, Forgetful } from '../entities/changed.ts';
import type { DeletedEntities } from '../entities/entity-row.ts';
import { type NamespaceName, parseNamespaceName } from '../entities/names.ts';
import { concurrentUpdate, functionFault, notFound } from '../faults.ts';
import type { SystemLimits, UserLimits } from '../limits.ts';
import {
  createKey,
  deleteKey,
  type KeyDescription,
  type KeyRequest,
  listKeys,
  type NewKey,
} from './further-keys.ts';
import { createIdentities, type Identities, type Identity, type IsCurrent } from './identities.ts';
import type { LentScope } from './key-scopes.ts';
import { type ApiKey, formatApiKey, hashSecret, invalidAuthentication, newApiKey } from './keys.ts';
import { createKeyByKey } from './keys-by-keys.ts';
import { type CurrentLender, createLentKeys, type LentKey } from './lent-keys.ts';
import {
  type NamespaceLimitsPatch,
  type NamespaceLimitValues,
  parseStoredLimits,
  patchLimits,
  userLimits,
} from './namespace-limits.ts';

export { actorOf, type Identity, keyActorOf } from './identities.ts';

/** Of a change, while others change the same namespace. */
const mostAttempts = 10;

/** Namespace of Ward's own actions. */
export const systemNamespace = parseNamespaceName('whisk.system');

interface NamespaceDescription {
  readonly name: NamespaceName;
  readonly keyId: string;
  /** Epoch milliseconds. */
  readonly createdAt: number;
  readonly limits: UserLimits;
  /** Its own limits, without the system's. */
  readonly own: NamespaceLimitValues;
}

export interface NamespaceService extends Forgetful {
  /**
   * Identifies the caller by an `Authorization` header. Synchronous if it was seen recently.
   * @throws Fault AUTHENTICATION_MISSING, AUTHENTICATION_INVALID, AUTHENTICATION_STALE
   */
  authenticate(header: string | undefined): Identity | Promise<Identity>;
  /**
   * Like `authenticate`, for a request from a sandbox, where a lent key is accepted, too.
   * @throws Fault AUTHENTICATION_MISSING, AUTHENTICATION_INVALID
   */
  authenticateInside(header: string | undefined): Identity | Promise<Identity>;
  /** Lends a key for one run of an action, until it is disposed. Undefined if there is no such namespace. */
  lendKey(name: string, scope: LentScope): Promise<LentKey | undefined>;
  /**
   * The namespace of this name as its own caller with all rights of its code, for calls without a key. It
   * answers at once if the namespace was used recently. Undefined: there is none.
   */
  identityOf(name: string): Identity | undefined | Promise<Identity | undefined>;
  /**
   * The owner of a key whose secret was checked before, for tokens that were issued for it. Synchronous if it was used
   * recently. Undefined if it was revoked since, or has expired. @throws Fault AUTHENTICATION_STALE
   */
  ownerOf(keyId: string): Identity | undefined | Promise<Identity | undefined>;
  /** When it expires, in epoch milliseconds; infinite if it does not. Undefined and faults as of `ownerOf`. */
  expiryOf(keyId: string): Promise<number | undefined>;
  /**
   * Creates it and returns its key, `uuid:secret`, which is shown only once.
   * @param keep gets the key before the namespace exists, so that a kill can't lose it
   * @throws Fault NAME_INVALID, NAMESPACE_EXISTS
   */
  create(name: string, keep?: (key: string) => Promise<void>): Promise<string>;
  /**
   * Creates the namespace of Ward's own actions, if it does not exist. Its key is not shown to anyone, but can be
   * replaced.
   */
  ensureSystem(): Promise<void>;
  /** Deletes it with all its entities, activations and keys. @throws Fault NOT_FOUND */
  delete(name: string): Promise<void>;
  /** Replaces the first key and returns the new one. The old one stops working. @throws Fault NOT_FOUND, CONCURRENT_UPDATE */
  rotateKey(name: string): Promise<string>;
  /** @throws Fault NOT_FOUND, KEY_INVALID, KEYS_EXHAUSTED */
  createKey(name: string, request: KeyRequest): Promise<NewKey>;
  /**
   * The same for a key that makes one of its own namespace, with no more rights than its own.
   * @throws Fault KEY_INVALID, KEY_TOO_WIDE, KEYS_EXHAUSTED, AUTHENTICATION_INVALID
   */
  createKeyBy(maker: Identity, request: KeyRequest): Promise<NewKey>;
  /** @throws Fault NOT_FOUND */
  listKeys(name: string): Promise<readonly KeyDescription[]>;
  /** Deletes a key, which stops working at once. @throws Fault NOT_FOUND, KEY_INVALID */
  deleteKey(name: string, keyId: string): Promise<void>;
  /** @throws Fault NOT_FOUND, LIMIT_OUT_OF_RANGE, POLICY_EXCEEDED, POLICY_INVALID, CONCURRENT_UPDATE */
  setLimits(name: string, patch: NamespaceLimitsPatch): Promise<NamespaceDescription>;
  list(): Promise<readonly NamespaceDescription[]>;
  /** @throws Fault NOT_FOUND */
  get(name: string): Promise<NamespaceDescription>;
  /** When the namespace of this name was created. Synchronous if it was used recently. Undefined if there is none. */
  createdAt(name: string): number | undefined | Promise<number | undefined>;
}

interface NamespaceServiceOptions {
  /** Removes what belonged to the actions of a deleted namespace: code and sandboxes. */
  readonly onActionsDeleted?: (deleted: DeletedEntities) => Promise<void>;
  /** Refuses, by a Fault, sandbox settings that a namespace cannot have. */
  readonly vetSandbox?: (ask: SandboxAsk) => void;
  /** Epoch milliseconds. */
  readonly now?: () => number;
  /** Absent: no other process changes anything. */
  readonly isCurrent?: IsCurrent;
}

export class Namespaces implements NamespaceService {
  readonly #store: Pick<Store, 'namespaces' | 'keys' | 'entities' | 'members'>;
  readonly #system: SystemLimits;
  readonly #options: NamespaceServiceOptions;
  readonly #now: () => number;
  readonly #identities: Identities;
  readonly #lentKeys = createLentKeys();

  constructor(
    store: Pick<Store, 'namespaces' | 'keys' | 'entities' | 'members'>,
    system: SystemLimits,
    options: NamespaceServiceOptions = {},
  ) {
    this.#store = store;
    this.#system = system;
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#identities = createIdentities(store, system, this.#now, options.isCurrent ?? (() => true));
  }

  authenticate(header: string | undefined): Identity | Promise<Identity> {
    return this.#identities.authenticate(header);
  }

  authenticateInside(header: string | undefined): Identity | Promise<Identity> {
    const lender = this.#lentKeys.lenderOf(header);
    return lender === undefined ? this.authenticate(header) : this.#lenderNow(lender);
  }

  async lendKey(name: string, scope: LentScope): Promise<LentKey | undefined> {
    const identity = await this.identityOf(name);
    return identity && this.#lentKeys.lend({ namespace: name, createdAt: identity.createdAt, scope });
  }

  identityOf(name: string): Identity | undefined | Promise<Identity | undefined> {
    return this.#identities.ofNamespace(name);
  }

  ownerOf(keyId: string): Identity | undefined | Promise<Identity | undefined> {
    return this.#identities.ofKey(keyId);
  }

  expiryOf(keyId: string): Promise<number | undefined> {
    return this.#identities.expiryOf(keyId);
  }

  async create(name: string, keep?: (key: string) => Promise<void>): Promise<string> {
    const apiKey = newApiKey();
    const row = rowOf(parseNamespaceName(name), apiKey, await this.#createdNow());
    await keep?.(formatApiKey(apiKey));
    if (!(await this.#store.namespaces.create(row))) {
      throw functionFault('NAMESPACE_EXISTS', `the namespace '${name}' already exists`);
    }
    this.forget();
    return formatApiKey(apiKey);
  }

  async ensureSystem(): Promise<void> {
    const row = rowOf(systemNamespace, newApiKey(), await this.#createdNow());
    if (await this.#store.namespaces.create(row)) this.forget();
  }

  async delete(given: string): Promise<void> {
    const { onActionsDeleted } = this.#options;
    const name = parseNamespaceName(given);
    const { entities } = this.#store;
    const rows = onActionsDeleted === undefined ? [] : await actionsOf(entities, name);
    const earlierCode = onActionsDeleted === undefined ? [] : await entities.earlierDigests(name);
    const isGone = await this.#store.namespaces.delete(name);
    this.forget();
    if (!isGone) throw notFound();
    await onActionsDeleted?.({ rows, earlierCode });
  }

  async rotateKey(name: string): Promise<string> {
    const apiKey = newApiKey();
    await this.#update(name, (row) => ({ ...row, keyId: apiKey.id, keyHash: hashSecret(apiKey.secret) }));
    return formatApiKey(apiKey);
  }

  async createKey(name: string, request: KeyRequest): Promise<NewKey> {
    const { name: namespace } = await this.#mustFind(name);
    return createKey(this.#store.keys, namespace, request, this.#now());
  }

  createKeyBy(maker: Identity, request: KeyRequest): Promise<NewKey> {
    return createKeyByKey(this.#store, maker, request, this.#now());
  }

  async listKeys(name: string): Promise<readonly KeyDescription[]> {
    return listKeys(this.#store.keys, await this.#mustFind(name));
  }

  async deleteKey(name: string, keyId: string): Promise<void> {
    await deleteKey(this.#store.keys, await this.#mustFind(name), keyId);
    this.forget();
  }

  async setLimits(name: string, patch: NamespaceLimitsPatch): Promise<NamespaceDescription> {
    const changed = await this.#update(name, (row) => {
      const limits = patchLimits(this.#system, parseStoredLimits(row.limits), patch);
      const { sandbox } = userLimits(this.#system, limits);
      if ((patch.sandbox || patch.egress) && sandbox !== undefined) this.#options.vetSandbox?.(sandbox);
      return { ...row, limits: { ...limits } };
    });
    return describe(changed, this.#system);
  }

  async list(): Promise<readonly NamespaceDescription[]> {
    return (await this.#store.namespaces.list()).map((row) => describe(row, this.#system));
  }

  async get(name: string): Promise<NamespaceDescription> {
    return describe(await this.#mustFind(name), this.#system);
  }

  createdAt(name: string): number | undefined | Promise<number | undefined> {
    const identity = this.identityOf(name);
    if (!(identity instanceof Promise)) return identity?.createdAt;
    return identity.then((known) => known?.createdAt);
  }

  forget(changed?: Changed): void {
    this.#identities.forget(changed);
  }

  async #lenderNow({ namespace, createdAt, scope, until }: CurrentLender): Promise<Identity> {
    const identity = await this.identityOf(namespace);
    if (identity?.createdAt !== createdAt) throw invalidAuthentication();
    return { ...identity, scope, lentUntil: until };
  }

  /** The registry compares it with times of the database: repositories from before belong to an earlier namespace. */
  async #createdNow(): Promise<number> {
    return this.#options.now?.() ?? (await this.#store.members.now());
  }

  async #mustFind(name: string): Promise<NamespaceRow> {
    const row = await this.#store.namespaces.byName(parseNamespaceName(name));
    if (row === undefined) throw notFound();
    return row;
  }

  /** Changes what is there, also when others change it at the same time. */
  async #update(name: string, change: (row: NamespaceRow) => NamespaceRow): Promise<NamespaceRow> {
    for (let attempt = 1; attempt <= mostAttempts; attempt++) {
      const row = await this.#mustFind(name);
      const changed = change(row);
      const isDone = await this.#store.namespaces.update(changed, row);
      this.forget();
      if (isDone) return changed;
    }
    throw concurrentUpdate();
  }
}

function describe(row: NamespaceRow, system: SystemLimits): NamespaceDescription {
  const { keyId, createdAt } = row;
  const own = parseStoredLimits(row.limits);
  return { name: parseNamespaceName(row.name), keyId, createdAt, limits: userLimits(system, own), own };
}

function rowOf(name: NamespaceName, key: ApiKey, createdAt: number): NamespaceRow {
  return { name, keyId: key.id, keyHash: hashSecret(key.secret), limits: {}, settings: {}, createdAt };
}

const pageSize = 200;

async function actionsOf(entities: EntityStore, namespace: NamespaceName): Promise<readonly EntityRow[]> {
  const found: EntityRow[] = [];
  for (;;) {
    const page = await entities.list({
      namespace,
      collection: 'actions',
      skip: found.length,
      limit: pageSize,
    });
    found.push(...page);
    if (page.length < pageSize) return found;
  }
}
