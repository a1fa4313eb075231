/** Pushed content: repositories, manifests, tags and blobs, in files and one database. */

export { manifestsKnownIn, registryProblems } from './check.ts';
export { blobsKnownIn, registrySchema } from './database.ts';
export { registryStoreFault, registryStoreFaults } from './faults.ts';
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
export { openRegistryReader, type RegistryReader } from './registry-reader.ts';
export {
  defaultRegistryStoreLimits,
  openRegistryStore,
  type RegistryStoreOptions,
} from './registry-store.ts';
export type * from './types.ts';
