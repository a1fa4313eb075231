/**
 * Tells which blobs are layers of a root file system, by their media type or by their first bytes. The scanner, the
 * unpacker and the decision whether to scan share this code. Source: OCI image-spec v1.1, layer.md; Docker's image
 * manifest, schema 2.
 */
const ociForms = ['tar', 'tar+gzip', 'tar+zstd'];
const dockerForms = ['tar', 'tar.gzip', 'tar.zstd'];
const elsewhereTypes: ReadonlySet<string> = new Set([
  ...ociForms.map((form) => `application/vnd.oci.image.layer.nondistributable.v1.${form}`),
  ...dockerForms.map((form) => `application/vnd.docker.image.rootfs.foreign.diff.${form}`),
]);
const layerTypes: ReadonlySet<string> = new Set([
  ...ociForms.map((form) => `application/vnd.oci.image.layer.v1.${form}`),
  ...dockerForms.map((form) => `application/vnd.docker.image.rootfs.diff.${form}`),
  ...elsewhereTypes,
]);

/** Whether a layer can be missing in the registry of its image: clients fetch it from its `urls`. */
export function isElsewhere(mediaType: string): boolean {
  return elsewhereTypes.has(mediaType);
}

export function isLayerType(mediaType: string): boolean {
  return layerTypes.has(mediaType);
}

const packed = ['1f8b', '425a68', 'fd377a585a00', '28b52ffd', '04224d18'].map((hex) =>
  Buffer.from(hex, 'hex'),
);
const blockBytes = 512;
const checksumAt = 148;
const checksumBytes = 8;

/** Number of bytes that `mayBeLayer` needs. */
export const layerStartBytes = blockBytes;

/**
 * Whether some client would take a blob for a layer, by its first bytes: engines look at those, and not at the media
 * type. Accepts more than Ward itself unpacks: bzip2 and xz, which Docker and podman know, and tars of Unix V7.
 * Sources: Docker, pkg/archive, "DetectCompression"; Go, archive/tar, "getFormat".
 * @param start the first 512 bytes of the blob, or all of it
 */
export function mayBeLayer(start: Buffer): boolean {
  if (packed.some((magic) => start.subarray(0, magic.length).equals(magic))) return true;
  // zstd:chunked writes a skippable frame first.
  if (start.length >= 4 && (start.readUInt32LE(0) & 0xfffffff0) >>> 0 === 0x184d2a50) return true;
  const block = start.subarray(0, blockBytes);
  // The end mark of an archive: an empty one starts with it.
  if (block.every((byte) => byte === 0)) return true;
  return block.length === blockBytes && hasTarChecksum(block);
}

/** Accepts both sums, because some writers add signed bytes. */
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
