/** Pushed content: repositories, manifests, tags and blobs, in one database and a store of bytes. */

export { registryStoreFault, registryStoreFaults } from './faults.ts';
export { type HeldBlobs, openHeldBlobs } from './held-blobs.ts';
export {
  hasImageConfig,
  isManifestType,
  type ManifestDocument,
  maxManifestBytes,
  readManifestDocument,
} from './manifest-document.ts';
export {
  isRepositoryName,
  isTag,
  namespaceOfRepository,
  type PushedReference,
  parsePushedReference,
  parseRepositoryName,
  parseTag,
  type RepositoryName,
  type Tag,
} from './names.ts';
export type { RegistryPlace } from './open-database.ts';
export { unpackByDigest } from './pushed-image.ts';
export { openRegistryReader, type RegistryReader } from './registry-reader.ts';
export {
  defaultRegistryStoreLimits,
  openRegistryStore,
  type RegistryStoreOptions,
} from './registry-store.ts';
export { blobsKnownIn, manifestsKnownIn, registryProblems } from './sqlite/check.ts';
export { registrySchema } from './sqlite/schema.ts';
export { registryTables } from './tables.ts';
export type * from './types.ts';
