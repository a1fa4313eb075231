/**
 * Keys for actions with `provide-api-key` that do not get their caller's key: because the call has none (it came from
 * the web or a feed, and Ward stores only hashes of keys), or because the action belongs to another namespace. A lent
 * key is accepted only from a sandbox of its namespace, and only until the run ends. It exists only in memory: a run
 * that is resumed after a restart is lent another one.
 */
import type { LentScope } from './key-scopes.ts';
import { formatApiKey, hashSecret, isSecret, newApiKey, parseAuthorization } from './keys.ts';

export interface LentKey extends Disposable {
  /** `uuid:secret`, like every key. */
  readonly key: string;
}

/** A namespace as it is now. One that is created again under the same name is a different lender. */
export interface Lender {
  readonly namespace: string;
  /** Epoch milliseconds. */
  readonly createdAt: number;
  /** What the key may do. */
  readonly scope: LentScope;
}

interface LentKeys {
  /** Lends a key. Disposing it takes the key back. */
  lend(lender: Lender): LentKey;
  /** Returns the lender if an `Authorization` header holds a lent key. */
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
