/**
 * Keys that sign the registry's tokens, derived from the keys that encrypt parameters. So a token of one server is
 * valid on all servers that share those keys, and after a restart.
 */
import { hkdfSync } from 'node:crypto';
import type { VaultKey, VaultKeySource } from '../../functions/index.ts';
import type { TokenKeys } from '../../registry/index.ts';

const keyBytes = 32;
const use = 'ward registry tokens';

/** The first one signs; tokens of all of them are valid. */
export function tokenKeysOf(keys: VaultKeySource): () => TokenKeys {
  const derived = new WeakMap<VaultKey, Uint8Array>();
  const keyOf = (master: VaultKey): Uint8Array => {
    const known = derived.get(master);
    if (known !== undefined) return known;
    const made = new Uint8Array(hkdfSync('sha256', master.secret, new Uint8Array(), use, keyBytes));
    derived.set(master, made);
    return made;
  };
  return () => {
    const [first, ...others] = keys();
    return [keyOf(first), ...others.map(keyOf)];
  };
}
