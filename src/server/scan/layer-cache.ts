/** The cache of scanned layers for commands without a server: their own scans and those of the server. */
import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import type { ImageSource, ScannerOptions } from '../../scanner/index.ts';
import { serverFault } from '../faults.ts';
import { gatePaths } from '../instance/gate-paths.ts';

/**
 * Root stores nothing in another user's folder: while it scans, it reads files that only root can read, so it can't
 * act as that user.
 */
export async function layerCacheOf(
  dataDir: string,
): Promise<Pick<ScannerOptions, 'cacheDir' | 'readsCacheOnly'>> {
  const found = await stat(dataDir).catch(() => undefined);
  // Creates no folder.
  if (found?.isDirectory() !== true) return {};
  return {
    cacheDir: gatePaths(dataDir).layers,
    readsCacheOnly: process.geteuid?.() === 0 && found.uid !== 0,
  };
}

/**
 * Checks a layer's bytes against its digest, because the cache finds earlier results by the digest.
 * @throws Fault SCAN_TARGET_INVALID
 */
export async function checkLayers({ name, layers }: ImageSource): Promise<void> {
  for (const { digest, open } of layers) {
    const hash = createHash('sha256');
    for await (const piece of await open()) hash.update(piece);
    if (`sha256:${hash.digest('hex')}` === digest) continue;
    throw serverFault(
      'SCAN_TARGET_INVALID',
      `the bytes of the layer ${digest} in ${name} do not match its digest`,
      {
        hint: 'build or pull it again',
      },
    );
  }
}
