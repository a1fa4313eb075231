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
export { blobFault, blobFaults } from './faults.ts';
export { blobPath, blobSize, openBlobStore, putStream, removeHalfWrittenBlobs } from './files.ts';
export type { BlobStore, Digest, SecondName } from './types.ts';
export {
  isTemporary,
  openRegularFile,
  readRegularFile,
  renameDurably,
  temporaryBeside,
  writeFileAtomically,
} from './whole-file.ts';
