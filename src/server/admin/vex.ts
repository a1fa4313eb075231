/** The operator's VEX documents, whether or not a server is running. */
import { type OperatorVex, readVexFiles } from '../../gate/index.ts';
import { loadConfig } from '../config/config.ts';
import { readOwnVex, readSharedVex, replaceVex, sharedVex, stampOfOwnVex } from '../gate/vex-place.ts';
import { gatePaths } from '../instance/gate-paths.ts';
import { actAsOwner } from './act-as.ts';
import { openUsedGate, operatorStores, type Place, readStoredGate } from './operator-stores.ts';

export interface SetVex extends Pick<OperatorVex, 'revision' | 'documents'> {
  /** A path, or a database. */
  readonly place: string;
  /** A folder of this machine, by whose files its server judges all the same. */
  readonly overriddenBy: string | undefined;
}

/**
 * Replaces all documents: on this machine, or on all servers of a cluster. A running server takes them up within seconds.
 * @param paths of files, or of one folder; empty: there are to be no documents any more
 * @throws Fault VEX_INVALID, VEX_CHANGED, VEX_READ_ONLY, DATA_DIR_EMPTY
 */
export async function setVex(options: Place, paths: readonly string[]): Promise<SetVex> {
  const config = await loadConfig(options);
  const given = paths.length === 0 ? [] : await readVexFiles(paths);
  const stores = operatorStores(config);
  const { vex: folder } = gatePaths(config.dataDir);
  await using stack = new AsyncDisposableStack();
  stack.use(actAsOwner(config.dataDir));
  const store = stack.use(await openUsedGate(stores, config.dataDir));
  const isShared = stores.engine === 'postgres';
  const { revision, documents } = await replaceVex({ folder, store, isShared }, given);
  const overriddenBy = isShared && (await stampOfOwnVex(folder)) !== '' ? folder : undefined;
  return { revision, documents, place: isShared ? stores.where : folder, overriddenBy };
}

export interface VexInForce {
  readonly vex: OperatorVex;
  /** A path, or `the database`. */
  readonly source: string;
}

/** What a server here goes by. @throws Fault VEX_INVALID, and those of the gate's store */
export async function vexInForce(options: Place): Promise<VexInForce> {
  const config = await loadConfig(options);
  const stores = operatorStores(config);
  const { vex: folder } = gatePaths(config.dataDir);
  await using stack = new AsyncDisposableStack();
  stack.use(actAsOwner(config.dataDir));
  const own = await readOwnVex(folder);
  if (own !== undefined) return { vex: own, source: folder };
  const store = stack.use(await readStoredGate(stores, config.dataDir));
  return { vex: readSharedVex(await store?.sharedFile(sharedVex)), source: 'the database' };
}
