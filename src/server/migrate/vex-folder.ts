/**
 * The VEX documents of a data folder that moves to PostgreSQL: its servers share one set, so the files become theirs. On the way
 * back nothing is to be done, because documents in the database count on a single machine too.
 */
import { renameSync, rmSync } from 'node:fs';
import { digestOf } from '../../blobs/index.ts';
import { type GateStore, packVex } from '../../gate/index.ts';
import { readOwnDocuments, replaceVex, sharedVex } from '../gate/vex-place.ts';
import { gatePaths } from '../instance/gate-paths.ts';

/** Call it before anything is moved. @throws Fault VEX_INVALID, also when they are too large to be shared */
export async function checkVexFolder(dataDir: string): Promise<void> {
  packVex(await readOwnDocuments(gatePaths(dataDir).vex));
}

/**
 * Call it when the folder belongs to the database, as `sharePolicyFile`. If it is interrupted, this machine still goes by its
 * files.
 */
export async function shareVexFolder(
  dataDir: string,
  target: { openGate(): Promise<GateStore> },
): Promise<void> {
  const { vex: folder } = gatePaths(dataDir);
  const documents = await readOwnDocuments(folder);
  if (documents.length === 0) return;
  await using store = await target.openGate();
  const kept = await store.sharedFile(sharedVex);
  if (kept?.digest !== digestOf(packVex(documents)))
    await replaceVex({ folder, store, isShared: true }, documents);
  rmSync(`${folder}.moved`, { recursive: true, force: true });
  renameSync(folder, `${folder}.moved`);
}
