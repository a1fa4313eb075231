/**
 * Reads the blobs of rpm's own database (`Packages.db`, SUSE): slots of 16 bytes that point to blobs in blocks of 16.
 * Source: rpm, lib/backend/ndb/rpmpkg.c, as described at its top.
 */

const headerMagic = 'RpmP';
const slotMagic = 'Slot';
const blobMagic = 'BlbS';
const pageBytes = 4096;
const slotBytes = 16;
/** The header takes the place of the first two slots. */
const firstSlot = 2;

export function isNdb(bytes: Buffer): boolean {
  return bytes.toString('latin1', 0, 4) === headerMagic;
}

/** Throws when the file is damaged. */
export function* ndbBlobs(bytes: Buffer): Generator<Buffer> {
  const slots = (bytes.readUInt32LE(12) * pageBytes) / slotBytes;
  if (slots * slotBytes > bytes.length) throw new Error('its slots are missing');
  for (let slot = firstSlot; slot < slots; slot++) {
    const at = slot * slotBytes;
    if (bytes.toString('latin1', at, at + 4) !== slotMagic) throw new Error('a slot is invalid');
    const number = bytes.readUInt32LE(at + 4);
    if (number !== 0) yield blobAt(bytes, bytes.readUInt32LE(at + 8) * slotBytes, number);
  }
}

function blobAt(bytes: Buffer, at: number, number: number): Buffer {
  const isBlob = bytes.toString('latin1', at, at + 4) === blobMagic && bytes.readUInt32LE(at + 4) === number;
  const length = bytes.readUInt32LE(at + 12);
  if (!isBlob || at + 16 + length > bytes.length) throw new Error('a slot leads to no package');
  return bytes.subarray(at + 16, at + 16 + length);
}
