/** What commands without a server know of layers from earlier scans, their own and those of the server. */
import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import type { ImageSource } from '../scanner/index.ts';
import { serverFault } from './faults.ts';
import { gatePaths } from './gate-paths.ts';

/** Undefined: there is no data folder, and none is made. */
export async function layerCacheOf(dataDir: string): Promise<string | undefined> {
  const isFolder = await stat(dataDir).then(
    (stats) => stats.isDirectory(),
    () => false,
  );
  return isFolder ? gatePaths(dataDir).layers : undefined;
}

/**
 * What is known of a layer from an earlier scan is known by its digest: so the bytes that are here now have to have it.
 * @throws Fault SCAN_TARGET_INVALID
 */
export async function checkLayers({ name, layers }: ImageSource): Promise<void> {
  for (const { digest, open } of layers) {
    const hash = createHash('sha256');
    for await (const piece of await open()) hash.update(piece);
    if (`sha256:${hash.digest('hex')}` === digest) continue;
    throw serverFault(
      'SCAN_TARGET_INVALID',
      `${name} has other bytes than its digest says in the layer ${digest}`,
      {
        hint: 'build or pull it again',
      },
    );
  }
}
