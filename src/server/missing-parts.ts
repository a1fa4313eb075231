/**
 * Refuses a data folder that was in use and lacks a part. Ward would make the part anew and silently allow more: no
 * policy and no verdicts, or keys that open nothing. So the operator has to say so.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Log } from '../lib/index.ts';
import type { Store } from '../store/index.ts';
import { serverFault } from './faults.ts';
import { gatePaths } from './gate-paths.ts';
import { dataPaths } from './instance.ts';

export const dataParts = ['gate', 'registry', 'keys'] as const;
export type DataPart = (typeof dataParts)[number];

const lost: Readonly<Record<DataPart, string>> = {
  gate: 'policy, VEX, rules, reports, verdicts and the audit log begin anew',
  registry: 'images that were pushed are gone, and actions that run them fail',
  keys: 'parameters and queued calls that were encrypted can’t be read any more',
};

/**
 * A folder that was never in use has no namespace yet: the first start makes one when all else is there.
 * @param hasOwnKeys the keys that encrypt parameters are in the folder
 * @param accepted parts that may be made anew
 * @throws Fault DATA_DIR_INCOMPLETE
 */
export async function refuseMissingParts(
  { dataDir, hasOwnKeys }: { readonly dataDir: string; readonly hasOwnKeys: boolean },
  store: Pick<Store, 'namespaces'>,
  accepted: readonly DataPart[],
  log: Log,
): Promise<void> {
  const paths = dataPaths(dataDir);
  const files: Readonly<Record<DataPart, string | undefined>> = {
    gate: gatePaths(dataDir).database,
    registry: join(paths.registry, 'registry.db'),
    keys: hasOwnKeys ? paths.parameterKeys : undefined,
  };
  const missing = dataParts.filter((part) => files[part] !== undefined && !existsSync(files[part]));
  if (missing.length === 0 || (await store.namespaces.list()).length === 0) return;
  for (const part of missing) {
    const what = `the data folder ${dataDir} was in use, and its ${part} (${files[part]}) are not there`;
    if (!accepted.includes(part)) {
      throw serverFault('DATA_DIR_INCOMPLETE', part === 'keys' ? what : what.replace(' are not', ' is not'), {
        hint:
          'put it back, or restore a backup with ward restore; to go on without it: ' +
          `ward up --accept-missing ${part} (${lost[part]})`,
      });
    }
    log.warn({ part, lost: lost[part] }, 'goes on without a part of the data folder');
  }
}
