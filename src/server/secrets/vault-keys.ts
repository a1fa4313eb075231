/**
 * The master keys that encrypt parameters: keys from the operator, or those of a file in the data folder that the
 * first start creates. A running server notices changes of this file; the keeper reports changes of the operator's
 * keys.
 */
import { type Stats, statSync } from 'node:fs';
import type { VaultKeySource } from '../../functions/index.ts';
import type { Config } from '../config/config.ts';
import { dataPaths } from '../instance/instance.ts';
import { makeKeyFile, parseKeys, readKeyFile } from './key-file.ts';
import type { GivenKeys } from './secrets.ts';

interface VaultKeyring {
  readonly keys: VaultKeySource;
  /** Undefined when they come from the environment. */
  readonly file: string | undefined;
  /** True when this start created the file. */
  readonly isNew: boolean;
  /** Replaces the operator's keys. @throws Fault PARAMETER_KEYS_INVALID, and then keeps the old keys */
  renew(given: GivenKeys): void;
}

/** All processes notice a change of the file after this time, and at once where it matters. */
export const noticedAfterMs = 1000;

/**
 * @param given undefined: the keys are in the data folder
 * @param make creates the data folder's own file when it is missing
 * @throws Fault PARAMETER_KEYS_INVALID, PARAMETER_KEYS_INSECURE
 */
export async function openVaultKeys(
  { dataDir }: Pick<Config, 'dataDir'>,
  given: GivenKeys | undefined,
  make: boolean,
): Promise<VaultKeyring> {
  if (given !== undefined) return givenKeys(given);
  const file = dataPaths(dataDir).parameterKeys;
  const isNew = make && (await makeKeyFile(file));
  return { keys: keysOfFile(file), file, isNew, renew: () => {} };
}

function givenKeys(given: GivenKeys): VaultKeyring {
  const read = ({ lines, source }: GivenKeys) => parseKeys(lines, source);
  let known = read(given);
  return {
    keys: () => known,
    file: given.file,
    isNew: false,
    renew: (later) => {
      known = read(later);
    },
  };
}

function keysOfFile(file: string): VaultKeySource {
  let known = readKeyFile(file);
  let checkedAt = performance.now();
  return (lately) => {
    if (lately === 'lately' || performance.now() - checkedAt >= noticedAfterMs) {
      checkedAt = performance.now();
      try {
        if (!isSame(statSync(file), known.stat)) known = readKeyFile(file);
      } catch {
        // The keys in memory still decrypt everything; the next start will report the error.
      }
    }
    return known.keys;
  };
}

function isSame(now: Stats, before: Stats): boolean {
  return now.ino === before.ino && now.mtimeMs === before.mtimeMs && now.size === before.size;
}
