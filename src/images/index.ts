/** Images: OCI layouts, layers, Ward's own runtime images, root file systems; and the content store. */
export { blobPath, openBlobStore } from './blob-store.ts';
export { type RuntimeKind, runtimeKinds } from './build/recipe.ts';
export { type BuildOptions, type BuiltImage, buildRuntimeImages } from './build/runtime-images.ts';
export { runtimeImagesReady } from './build/stamp.ts';
export { digestOf, isDigest, parseDigest } from './digest.ts';
export { imageFaults } from './faults.ts';
export { openRegularFile, readRegularFile, writeFileAtomically } from './files.ts';
export { type ImageStoreOptions, openImageStore, pickEntry } from './image-store.ts';
export {
  type LayoutImage,
  ociArchitecture,
  pickPlatform,
  readImage,
  readImageFrom,
  readIndex,
  refNameOf,
} from './oci/layout.ts';
export {
  type Config,
  configSchema,
  type Descriptor,
  type Index,
  indexSchema,
  indexTypes,
  manifestMediaType,
  maxDocumentBytes,
  parseDocument,
} from './oci/schema.ts';
export * from './types.ts';
export { codeArchiveLimits } from './unpack/code-limits.ts';
export { inspectZip, unpackZip, type ZipSummary } from './unpack/zip.ts';
