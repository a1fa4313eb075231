/** Reads pushed content, whether or not a Ward has the registry open. */
import { access } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { errnoOf } from '../lib/index.ts';
import { createCompanions } from './companions.ts';
import { blobsIn } from './content.ts';
import { openRegistryDatabase } from './database.ts';
import { maxManifestBytes } from './manifest-document.ts';
import { readParts } from './pushed-image.ts';
import { bytesHeldBy } from './room.ts';
import type { RegistryStore } from './types.ts';

export type RegistryReader = Pick<
  RegistryStore,
  'listCompanions' | 'listIndexes' | 'listSubjects' | 'readManifest' | 'openBlob' | 'readImage' | 'usage'
> &
  AsyncDisposable;

/** Undefined when nothing was ever pushed. @throws Fault IMAGE_STORE_INVALID, and those of the store room */
export async function openRegistryReader(dir: string): Promise<RegistryReader | undefined> {
  const path = join(resolve(dir), 'registry.db');
  try {
    await access(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
  const blobs = blobsIn(dir);
  const db = await openRegistryDatabase(path);
  return {
    ...createCompanions(db),
    readManifest: (digest) => blobs.get(digest, maxManifestBytes),
    openBlob: blobs.open,
    readImage: (document) => readParts(blobs, document, 'any'),
    usage: (namespace) => bytesHeldBy(db, namespace),
    [Symbol.asyncDispose]: () => db.close(),
  };
}
