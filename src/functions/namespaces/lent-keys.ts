/**
 * Keys for actions with `provide-api-key` that do not get their caller's key: the call has no key, because the world or a
 * feed made it and Ward keeps only hashes of keys; or the action belongs to another namespace. A lent key opens the API
 * only from a sandbox of its namespace, and only until the run ends. It is in memory alone: a run that a restart takes up
 * is lent another.
 */
import type { KeyScope } from './key-scopes.ts';
import { formatApiKey, hashSecret, isSecret, newApiKey, parseAuthorization } from './keys.ts';

export interface LentKey extends Disposable {
  /** `uuid:secret`, as every key. */
  readonly key: string;
}

/** A namespace as it is now: one that is made anew under the same name is another one. */
export interface Lender {
  readonly namespace: string;
  /** Epoch milliseconds. */
  readonly createdAt: number;
  /** What the key may do. */
  readonly scope: KeyScope;
}

interface LentKeys {
  /** Disposing of it takes the key back. */
  lend(lender: Lender): LentKey;
  /** Whose key an `Authorization` header holds, if it is a lent one. */
  lenderOf(header: string | undefined): Lender | undefined;
}

export function createLentKeys(): LentKeys {
  const lent = new Map<string, { readonly secretHash: string; readonly lender: Lender }>();
  return {
    lend(lender) {
      const key = newApiKey();
      lent.set(key.id, { secretHash: hashSecret(key.secret), lender });
      return { key: formatApiKey(key), [Symbol.dispose]: () => void lent.delete(key.id) };
    },
    lenderOf(header) {
      if (lent.size === 0) return undefined;
      const { id, secret } = parseAuthorization(header);
      const found = lent.get(id);
      return found !== undefined && isSecret(secret, found.secretHash) ? found.lender : undefined;
    },
  };
}
