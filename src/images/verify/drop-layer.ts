/** Takes a damaged layer out of an image store, so that it is unpacked anew when it is needed. */
import { mkdtemp, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Digest } from '../../blobs/index.ts';
import { isMountedAnywhere, mountedName, openLayerStore } from '../store/layer-store.ts';

/** False, with the layer where it was, when a sandbox runs on it. */
export async function dropLayer(dir: string, diffId: Digest): Promise<boolean> {
  const path = openLayerStore(dir).path(diffId);
  const aside = await mkdtemp(join(dirname(path), '.tmp-'));
  try {
    if (await isMountedAnywhere([mountedName(diffId)])) return false;
    await rename(path, join(aside, 'root'));
    // From here on nobody mounts it: a root that was mounted meanwhile is left what it has.
    if (!(await isMountedAnywhere([mountedName(diffId)]))) return true;
    await rename(join(aside, 'root'), path);
    return false;
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}
