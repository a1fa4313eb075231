/** Further keys of a namespace besides its first one. Each has a scope, a label, and optionally an expiry. */
import { currentActor } from '../../lib/index.ts';
import type { KeyRow, NamespaceRow, Store } from '../../store/index.ts';
import { functionFault, notFound } from '../faults.ts';
import { scopeOf } from './identities.ts';
import { type KeyScope, parseKeyScope } from './key-scopes.ts';
import { formatApiKey, hashSecret, newApiKey } from './keys.ts';

export interface KeyRequest {
  readonly scope: string;
  /** What it is for, in up to 64 characters. */
  readonly label?: string | undefined;
  /** Epoch milliseconds. Absent or null: never. */
  readonly expiresAt?: number | null | undefined;
  /** Who makes it. Absent: who acts, as in the audit log. */
  readonly maker?: string | undefined;
  /** For the key of a login. */
  readonly login?: KeyLogin | undefined;
}

/** Whose login at an issuer a key is from, and as what. */
export interface KeyLogin {
  readonly person: string;
  readonly role: string;
}

/** A key without its secret. */
export interface KeyDescription {
  readonly keyId: string;
  /** The namespace's first key, which can be rotated but not deleted. */
  readonly isFirst: boolean;
  readonly scope: KeyScope;
  readonly label: string;
  /** Epoch milliseconds. */
  readonly createdAt: number;
  readonly expiresAt: number | null;
  /** Whether it is from a login at an issuer. */
  readonly isOfLogin: boolean;
  /** Who made it, as in the audit log; the maker may have no rights any more. Null: an earlier Ward made it. */
  readonly maker: string | null;
}

export interface NewKey extends KeyDescription {
  /** `uuid:secret`, which is shown only once. */
  readonly key: string;
}

export const mostKeys = 100;
/** Begins the labels of keys of logins, and of no others. */
export const loginLabel = 'login: ';
const labelPattern = /^[^\p{C}]{0,64}$/u;

/** @throws Fault KEY_INVALID, KEYS_EXHAUSTED, STORE_NO_NAMESPACE */
export async function createKey(
  keys: Store['keys'],
  namespace: string,
  request: KeyRequest,
  now: number,
): Promise<NewKey> {
  const scope = parseKeyScope(request.scope);
  const label = request.label ?? '';
  const expiresAt = request.expiresAt ?? null;
  if (!labelPattern.test(label)) throw invalid('a label has at most 64 characters, all of them printable');
  if (request.login === undefined && label.startsWith(loginLabel))
    throw invalid(`a label that begins with '${loginLabel}' is for keys of logins`);
  if (expiresAt !== null && !(Number.isSafeInteger(expiresAt) && expiresAt > now)) {
    throw invalid('a key can only expire in the future');
  }
  if ((await keys.list(namespace)).length >= mostKeys) {
    throw functionFault(
      'KEYS_EXHAUSTED',
      `the namespace '${namespace}' has ${mostKeys} further keys already`,
      {
        hint: 'delete one that is not used any more',
      },
    );
  }
  const apiKey = newApiKey();
  const keyHash = hashSecret(apiKey.secret);
  const { login, maker = currentActor().who } = request;
  const row = {
    ...{ keyId: apiKey.id, namespace, keyHash, scope, label, createdAt: now, expiresAt },
    ...{ person: login?.person ?? null, maker },
  };
  await keys.create(row, login && { name: maker, role: login.role });
  return { ...describe(row), key: formatApiKey(apiKey) };
}

/** The first key, then the further ones from old to new, including expired ones. */
export async function listKeys(keys: Store['keys'], owner: NamespaceRow): Promise<readonly KeyDescription[]> {
  const { keyId, createdAt } = owner;
  const first: KeyDescription = {
    ...{ keyId, isFirst: true, scope: 'admin', label: '', createdAt, expiresAt: null },
    ...{ isOfLogin: false, maker: null },
  };
  return [first, ...(await keys.list(owner.name)).map(describe)];
}

/** @throws Fault NOT_FOUND, KEY_INVALID for the first key */
export async function deleteKey(keys: Store['keys'], owner: NamespaceRow, keyId: string): Promise<void> {
  const id = keyId.toLowerCase();
  if (id === owner.keyId) {
    throw functionFault('KEY_INVALID', `the first key of the namespace '${owner.name}' cannot be deleted`, {
      hint: 'replace it: the old key stops working',
    });
  }
  if (!(await keys.delete(owner.name, id))) throw notFound();
}

function describe(row: KeyRow): KeyDescription {
  const { keyId, label, createdAt, expiresAt, person, maker } = row;
  const scope = scopeOf(row);
  return { keyId, isFirst: false, scope, label, createdAt, expiresAt, isOfLogin: person !== null, maker };
}

function invalid(message: string) {
  return functionFault('KEY_INVALID', message);
}
