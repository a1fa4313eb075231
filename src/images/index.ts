/** Images: OCI layouts, layers, Ward's own runtime images, root file systems; and the content store. */
export { openBlobStore } from './blob-store.ts';
export { type RuntimeKind, runtimeKinds } from './build/recipe.ts';
export { type BuildOptions, type BuiltImage, buildRuntimeImages } from './build/runtime-images.ts';
export { runtimeImagesReady } from './build/stamp.ts';
export { digestOf, isDigest, parseDigest } from './digest.ts';
export { imageFaults } from './faults.ts';
export { type ImageStoreOptions, openImageStore } from './image-store.ts';
export * from './types.ts';
export { codeArchiveLimits } from './unpack/code-limits.ts';
export { inspectZip, unpackZip, type ZipSummary } from './unpack/zip.ts';
