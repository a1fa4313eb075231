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

/** As long as its key is lent. */
export interface CurrentLender extends Lender {
  /** Aborted when the key is taken back. */
  readonly until: AbortSignal;
}

interface LentKeys {
  /** Lends a key. Disposing it takes the key back. */
  lend(lender: Lender): LentKey;
  /** Returns the lender if an `Authorization` header holds a lent key. */
  lenderOf(header: string | undefined): CurrentLender | undefined;
}

interface Lent {
  readonly secretHash: string;
  readonly lender: Lender;
  /** Most keys are never used. */
  back: AbortController | undefined;
}

export function createLentKeys(): LentKeys {
  const lent = new Map<string, Lent>();
  return {
    lend(lender) {
      const key = newApiKey();
      const made: Lent = { secretHash: hashSecret(key.secret), lender, back: undefined };
      lent.set(key.id, made);
      return {
        key: formatApiKey(key),
        [Symbol.dispose]() {
          lent.delete(key.id);
          made.back?.abort();
        },
      };
    },
    lenderOf(header) {
      if (lent.size === 0) return undefined;
      const { id, secret } = parseAuthorization(header);
      const found = lent.get(id);
      if (found === undefined || !isSecret(secret, found.secretHash)) return undefined;
      found.back ??= new AbortController();
      return { ...found.lender, until: found.back.signal };
    },
  };
}
