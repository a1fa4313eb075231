/**
 * Refuses a data folder that was in use and lacks a part. Ward would create the part again and silently allow more:
 * no policy and no verdicts, or keys that decrypt nothing. So the operator must accept the loss.
 */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Log } from '../../lib/index.ts';
import type { Store } from '../../store/index.ts';
import { serverFault } from '../faults.ts';
import { gatePaths } from './gate-paths.ts';
import { dataPaths } from './instance.ts';

export const dataParts = ['database', 'gate', 'registry', 'keys'] as const;
export type DataPart = (typeof dataParts)[number];

const lost: Readonly<Record<DataPart, string>> = {
  database: 'namespaces, keys, entities and records are lost, and Ward deletes their code later',
  gate: 'policy, VEX, rules, reports, verdicts and the audit log are lost',
  registry: 'pushed images are lost, and actions that run them fail',
  keys: 'encrypted parameters and queued calls can’t be read any more',
};

/**
 * Call it before the database is opened, which creates one.
 * @throws Fault DATA_DIR_INCOMPLETE
 */
export function refuseMissingDatabase(dataDir: string, accepted: readonly DataPart[], log: Log): void {
  const { database } = dataPaths(dataDir);
  const bytes = statSync(database, { throwIfNoEntry: false })?.size ?? 0;
  if (bytes > 0 || !wasInUse(dataDir)) return;
  refuseUnless(accepted, 'database', `its database (${database}) is missing`, dataDir, log);
}

/**
 * Looks for parts that a start creates only after it has created a namespace: a start that was killed before leaves
 * none.
 */
function wasInUse(dataDir: string): boolean {
  const { guestKey, code, registry } = dataPaths(dataDir);
  return existsSync(guestKey) || [code, registry].some((folder) => hasFiles(join(folder, 'blobs', 'sha256')));
}

/** Whether the folder exists and is not empty. */
export function hasFiles(folder: string): boolean {
  return existsSync(folder) && readdirSync(folder).length > 0;
}

function refuseUnless(
  accepted: readonly DataPart[],
  part: DataPart,
  what: string,
  dataDir: string,
  log: Log,
): void {
  if (!accepted.includes(part)) {
    throw serverFault('DATA_DIR_INCOMPLETE', `the data folder ${dataDir} was in use, and ${what}`, {
      hint:
        'put it back, or restore a backup with ward restore; to continue without it: ' +
        `ward up --accept-missing ${part} (${lost[part]})`,
    });
  }
  log.warn({ part, lost: lost[part] }, 'continues without a part of the data folder');
}

/**
 * Call it for a database without a namespace.
 * @param where the database is
 * @throws Fault DATA_DIR_INCOMPLETE
 */
export function refuseEmptyDatabase(
  dataDir: string,
  where: string,
  accepted: readonly DataPart[],
  log: Log,
): void {
  if (wasInUse(dataDir)) refuseUnless(accepted, 'database', `its database (${where}) is empty`, dataDir, log);
}

/**
 * A folder that was never in use has no namespace yet: the first start creates one after everything else.
 * @param hasOwnKeys the keys that encrypt parameters are in the folder
 * @param accepted parts that may be created again
 * @throws Fault DATA_DIR_INCOMPLETE
 */
export async function refuseMissingParts(
  { dataDir, hasOwnKeys }: { readonly dataDir: string; readonly hasOwnKeys: boolean },
  store: Pick<Store, 'namespaces'>,
  accepted: readonly DataPart[],
  log: Log,
): Promise<void> {
  const paths = dataPaths(dataDir);
  if ((await store.namespaces.list()).length === 0) {
    // The database was emptied, or its content was in a file beside it.
    return refuseEmptyDatabase(dataDir, paths.database, accepted, log);
  }
  const files = {
    gate: gatePaths(dataDir).database,
    registry: join(paths.registry, 'registry.db'),
    keys: hasOwnKeys ? paths.parameterKeys : undefined,
  } as const;
  for (const part of ['gate', 'registry', 'keys'] as const) {
    const file = files[part];
    if (file === undefined || existsSync(file)) continue;
    const are = part === 'keys' ? 'are' : 'is';
    refuseUnless(accepted, part, `its ${part} (${file}) ${are} missing`, dataDir, log);
  }
}
