/** Compares blobs with their names. */
import { createHash } from 'node:crypto';
import { blobPath, type Digest, openBlobStore, openRegularFile } from '../../blobs/index.ts';

/** All digests of a store, and those whose bytes don't match or can't be read. */
export interface CheckedBlobs {
  readonly present: ReadonlySet<Digest>;
  readonly damaged: ReadonlySet<Digest>;
}

const readBytes = 1024 * 1024;

/** @param onBlob gets the number of checked blobs */
export async function checkBlobs(
  dir: string,
  signal: AbortSignal,
  onBlob: (count: number) => void = () => {},
): Promise<CheckedBlobs> {
  const present = new Set<Digest>();
  const damaged = new Set<Digest>();
  for await (const digest of openBlobStore(dir).list()) {
    signal.throwIfAborted();
    const found = await digestAt(blobPath(dir, digest));
    // It was deleted meanwhile.
    if (found === undefined) continue;
    present.add(digest);
    if (found !== digest) damaged.add(digest);
    onBlob(present.size);
  }
  return { present, damaged };
}

async function digestAt(path: string): Promise<string | undefined> {
  const file = await openRegularFile(path);
  if (file === undefined) return undefined;
  try {
    const hash = createHash('sha256');
    for await (const piece of file.createReadStream({ highWaterMark: readBytes, autoClose: false }))
      hash.update(piece);
    return `sha256:${hash.digest('hex')}`;
  } catch {
    return 'unreadable';
  } finally {
    await file.close();
  }
}
