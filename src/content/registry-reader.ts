/** Reads pushed content, whether or not a Ward has the registry open. */
import { access } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { BlobStore } from '../blobs/index.ts';
import { errnoOf } from '../lib/index.ts';
import { createCompanions } from './companions.ts';
import { blobsIn } from './content.ts';
import { maxManifestBytes } from './manifest-document.ts';
import { unsealedIn } from './noted.ts';
import { openRegistryDatabase, type RegistryPlace, registryFile } from './open-database.ts';
import { readParts } from './pushed-image.ts';
import { bytesHeldBy } from './room.ts';
import type { RegistryStore } from './types.ts';

export type RegistryReader = Pick<
  RegistryStore,
  | 'listCompanions'
  | 'listIndexes'
  | 'listSubjects'
  | 'readManifest'
  | 'openBlob'
  | 'readImage'
  | 'usage'
  | 'unsealed'
> &
  AsyncDisposable;

type RegistryReaderOptions = Pick<RegistryPlace, 'dir' | 'database'> & {
  /** Absent: files in `dir`. */
  readonly blobs?: BlobStore | undefined;
};

/** Undefined when there is no registry in `dir`. @throws Fault IMAGE_STORE_INVALID, and those of the store room */
export async function openRegistryReader(
  options: RegistryReaderOptions,
): Promise<RegistryReader | undefined> {
  const dir = resolve(options.dir);
  const { database, blobs = blobsIn(dir) } = options;
  if (database === undefined && !(await exists(registryFile(dir)))) return undefined;
  const db = await openRegistryDatabase({ dir, database });
  return {
    ...createCompanions(db),
    readManifest: (digest) => blobs.get(digest, maxManifestBytes),
    openBlob: blobs.open,
    readImage: (document) => readParts(blobs, document, 'any'),
    usage: (namespace) => bytesHeldBy(db, namespace),
    unsealed: unsealedIn(db),
    [Symbol.asyncDispose]: () => db.close(),
  };
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw error;
  }
}
