/**
 * The master keys that encrypt parameters: from the environment, from a file that the operator names, or from one in
 * the data folder that is made at the first start. A running server sees that the file was changed.
 */
import { type Stats, statSync } from 'node:fs';
import type { VaultKeySource } from '../functions/index.ts';
import type { Config } from './config.ts';
import { dataPaths } from './instance.ts';
import { makeKeyFile, parseKeys, readKeyFile } from './key-file.ts';

export interface VaultKeyring {
  readonly keys: VaultKeySource;
  /** Undefined: they are from the environment. */
  readonly file: string | undefined;
  /** The file was made just now. */
  readonly isNew: boolean;
}

/** A change of the file is seen by all processes after this; at once where it matters. */
export const noticedAfterMs = 1000;

/**
 * @param make makes the data folder's own file when it is not there
 * @throws Fault PARAMETER_KEYS_INVALID, PARAMETER_KEYS_INSECURE
 */
export async function openVaultKeys(
  config: Pick<Config, 'dataDir' | 'parameters'>,
  make: boolean,
  env: NodeJS.ProcessEnv = process.env,
): Promise<VaultKeyring> {
  const given = env['WARD_PARAMETER_KEYS'];
  if (given !== undefined) {
    const keys = parseKeys(given.split(','), 'WARD_PARAMETER_KEYS');
    return { keys: () => keys, file: undefined, isNew: false };
  }
  const { keyFile } = config.parameters;
  const file = keyFile ?? dataPaths(config.dataDir).parameterKeys;
  const isNew = keyFile === undefined && make && (await makeKeyFile(file));
  return { keys: keysOfFile(file), file, isNew };
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
        // What is in memory still opens everything; the next start will tell what is wrong.
      }
    }
    return known.keys;
  };
}

function isSame(now: Stats, before: Stats): boolean {
  return now.ino === before.ino && now.mtimeMs === before.mtimeMs && now.size === before.size;
}
