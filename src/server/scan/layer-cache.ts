/** What commands without a server know of layers from earlier scans, their own and those of the server. */
import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import type { ImageSource, ScannerOptions } from '../../scanner/index.ts';
import { serverFault } from '../faults.ts';
import { gatePaths } from '../instance/gate-paths.ts';

/**
 * Root keeps nothing in another user's folder: while it scans, it reads files that only root can read, so it can't act as
 * that user.
 */
export async function layerCacheOf(
  dataDir: string,
): Promise<Pick<ScannerOptions, 'cacheDir' | 'readsCacheOnly'>> {
  const found = await stat(dataDir).catch(() => undefined);
  // It makes no folder.
  if (found?.isDirectory() !== true) return {};
  return {
    cacheDir: gatePaths(dataDir).layers,
    readsCacheOnly: process.geteuid?.() === 0 && found.uid !== 0,
  };
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
