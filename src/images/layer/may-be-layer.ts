/**
 * Whether some client would take a blob for a layer, by its first bytes: engines look at those, and not at what the blob is
 * called. It says yes to more than Ward itself unpacks: bzip2 and xz, which Docker and podman know, and tars of Unix V7.
 * Sources: Docker, pkg/archive, "DetectCompression"; Go, archive/tar, "getFormat".
 */
const packed = ['1f8b', '425a68', 'fd377a585a00', '28b52ffd', '04224d18'].map((hex) =>
  Buffer.from(hex, 'hex'),
);
const blockBytes = 512;
const checksumAt = 148;
const checksumBytes = 8;

/** Bytes that `mayBeLayer` wants. */
export const layerStartBytes = blockBytes;

/** @param start The first 512 bytes of the blob, or all of it. */
export function mayBeLayer(start: Buffer): boolean {
  if (packed.some((magic) => start.subarray(0, magic.length).equals(magic))) return true;
  // A frame to be skipped comes first in what zstd:chunked writes.
  if (start.length >= 4 && (start.readUInt32LE(0) & 0xfffffff0) >>> 0 === 0x184d2a50) return true;
  const block = start.subarray(0, blockBytes);
  // The end of an archive, of an empty one.
  if (block.every((byte) => byte === 0)) return true;
  return block.length === blockBytes && hasTarChecksum(block);
}

/** Writers have summed signed bytes, too. */
function hasTarChecksum(block: Buffer): boolean {
  const field = block.toString('latin1', checksumAt, checksumAt + checksumBytes).replaceAll(/[\0 ]/g, '');
  if (!/^[0-7]{1,7}$/.test(field)) return false;
  let unsigned = checksumBytes * 0x20;
  let signed = unsigned;
  for (const [at, byte] of block.entries()) {
    if (at >= checksumAt && at < checksumAt + checksumBytes) continue;
    unsigned += byte;
    signed += byte > 127 ? byte - 256 : byte;
  }
  const sum = Number.parseInt(field, 8);
  return sum === unsigned || sum === signed;
}
