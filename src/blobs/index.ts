/** Bytes under their digest: blobs in files, and files that are written whole or not at all. */

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
export type {
  BlobCopier,
  BlobStore,
  BlobWriter,
  ByteRange,
  Digest,
  LocalFile,
  SecondName,
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
