/** Bytes under their digest: blobs in files or in S3, and files that are written whole or not at all. */

export { fetchBlob, openCopiedBlobs } from './cached/copied-blobs.ts';
export type { PartSource as BlobSource } from './cached/download.ts';
export {
  digestHex,
  digestOf,
  isDigest,
  isDigestOf,
  isSecondName,
  parseAnyDigest,
  parseDigest,
} from './digest.ts';
export { blobFault, blobFaults, wrongDigest } from './faults.ts';
export { blobPath, blobSize, openBlobStore, removeHalfWrittenBlobs } from './files.ts';
export { type BlobLocation, defaultCacheBytes, describeLocation, parseBlobLocation } from './location.ts';
export { openSharedBlobs, probeBlobs } from './open-blobs.ts';
export type {
  BlobCopier,
  BlobPlaceOptions,
  BlobProbe,
  BlobProbeReport,
  BlobReader,
  BlobStore,
  BlobWriter,
  ByteRange,
  Digest,
  LocalFile,
  SecondName,
  SharedBlobs,
} from './types.ts';
export {
  createFileAtomically,
  isTemporary,
  openRegularFile,
  readRegularFile,
  renameDurably,
  temporaryBeside,
  writeFileAtomically,
} from './whole-file.ts';
