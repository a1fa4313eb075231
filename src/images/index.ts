/** Images: OCI layouts, layers, Ward's own runtime images, root file systems. */

export { ownImageNames, type RuntimeKind, runtimeKinds } from './base-images/recipe.ts';
export { type BuildOptions, type BuiltImage, buildRuntimeImages } from './base-images/runtime-images.ts';
export { runtimeImagesReady } from './base-images/stamp.ts';
export { imageFault, imageFaults } from './faults.ts';
export {
  buildDockerfileImage,
  type DockerfileImageOptions,
  hasDockerfile,
} from './function-images/dockerfile-image.ts';
export { type FolderContent, type LeftOut, readFolder } from './function-images/folder-content.ts';
export { openSourceFile, type SourceFile } from './function-images/folder-file.ts';
export type { LeftOutReason } from './function-images/folder-left-out.ts';
export {
  type BuiltLayerInfo,
  buildFunctionImage,
  type FunctionImage,
  type FunctionImageOptions,
} from './function-images/function-image.ts';
export type { LayerRole } from './function-images/image-documents.ts';
export { nameOfFolder, parseImageName, reservedNames } from './function-images/image-name.ts';
export { writeLayoutArchive } from './function-images/layout-archive.ts';
export { copyBlob, copyImage, unpackLayers } from './function-images/layout-copy.ts';
export { type DeletedImage, deleteStoredImage } from './function-images/stored-images.ts';
export { openWorkFolder, type WorkFolder } from './function-images/work-folder.ts';
export { entryPath, linkTarget, showPath } from './layer/entry-path.ts';
export { layerLimits } from './layer/layer-limits.ts';
export { LayerPaths } from './layer/layer-paths.ts';
export { isElsewhere, isLayerType, layerStartBytes, mayBeLayer } from './layer/layer-types.ts';
export { parsePax, paxNumber } from './layer/pax.ts';
export { openReleasing } from './layer/releasing.ts';
export type { TarEntry } from './layer/tar-entry.ts';
export { blockBytes, invalidTar, isTarHeader, parseTarHeader } from './layer/tar-header.ts';
export {
  headBytes,
  type IsWanted,
  type ReadEntry,
  type TarLimits,
  TarReader,
  type Watch,
} from './layer/tar-reader.ts';
export { formOf, unpacked } from './layer/unpacked.ts';
export { zstdFrames } from './layer/zstd-frames.ts';
export { parseConfig } from './oci/config-document.ts';
export { findTrouble } from './oci/json-text.ts';
export {
  type LayoutImage,
  ociArchitecture,
  pickPlatform,
  readImage,
  readImageFrom,
  readIndex,
  refNameOf,
  tagManifest,
} from './oci/layout.ts';
export { blobsBelow, readDocumentFile } from './oci/layout-blobs.ts';
export { findMiscasedKey, manifestKeys } from './oci/miscased-key.ts';
export {
  type Config,
  configMediaType,
  configSchema,
  type Descriptor,
  descriptorSchema,
  type Index,
  indexMediaType,
  indexSchema,
  indexTypes,
  manifestMediaType,
  maxDocumentBytes,
  maxLayers,
  parseDocument,
} from './oci/schema.ts';
export { type ImageReference, parseReference } from './reference.ts';
export {
  folderImage,
  type ImageStoreOptions,
  layersDirOf,
  listStoredImages,
  openImageStore,
  pickEntry,
} from './store/image-store.ts';
export { openLayerStore } from './store/layer-store.ts';
export type { RootLayers, RootMounter } from './store/root-filesystem.ts';
export { openRootMounter } from './store/root-mounter.ts';
export type * from './types.ts';
export { confineUnpacker } from './unpack/apart.ts';
export { codeArchiveLimits, isProgram } from './unpack/code-limits.ts';
export { inspectZip, unpackZip, type ZipSummary } from './unpack/zip.ts';
export { type CheckedBlobs, checkBlobs } from './verify/blob-check.ts';
export { checkLayer, type LayerProblem, type StoredLayer } from './verify/layer-check.ts';
export { dropLayer, layersOf, layersOfStore, unpackedLayers } from './verify/stored-layers.ts';
