/**
 * Reads the blobs of rpm's oldest database (`Packages`): a hash of Berkeley DB, whose values lie in chains of overflow
 * pages.
 * Source: Berkeley DB, dbinc/db_page.h, as Oracle publishes it.
 */

const hashMagic = 0x061561;
const headerBytes = 26;
const hashPages = new Set([2, 13]);
const overflowPage = 7;
const offPageEntry = 3;
const maxBlobBytes = 64 * 1024 * 1024;

interface Database {
  readonly bytes: Buffer;
  readonly pageBytes: number;
  readonly littleEndian: boolean;
}

export function isBerkeley(bytes: Buffer): boolean {
  return (
    bytes.length >= 512 && (bytes.readUInt32LE(12) === hashMagic || bytes.readUInt32BE(12) === hashMagic)
  );
}

/** Throws when the file is damaged. */
export function* berkeleyBlobs(bytes: Buffer): Generator<Buffer> {
  const littleEndian = bytes.readUInt32LE(12) === hashMagic;
  const u32 = (at: number) => (littleEndian ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at));
  const u16 = (at: number) => (littleEndian ? bytes.readUInt16LE(at) : bytes.readUInt16BE(at));
  const pageBytes = u32(20);
  if (bytes[24] !== 0) throw new Error('it is encrypted');
  if (pageBytes < 512 || pageBytes > 65_536 || bytes.length % pageBytes !== 0) {
    throw new Error('its page size is invalid');
  }
  for (let page = pageBytes; page < bytes.length; page += pageBytes) {
    if (!hashPages.has(bytes[page + 25] ?? 0)) continue;
    const entries = u16(page + 20);
    if (headerBytes + entries * 2 > pageBytes) throw new Error('a page has more entries than fit in it');
    // Keys and values alternate.
    for (let entry = 1; entry < entries; entry += 2) {
      const at = page + u16(page + headerBytes + entry * 2);
      if (bytes[at] !== offPageEntry) continue;
      yield chainAt({ bytes, pageBytes, littleEndian }, u32(at + 4), u32(at + 8));
    }
  }
}

function chainAt({ bytes, pageBytes, littleEndian }: Database, first: number, length: number): Buffer {
  if (length > maxBlobBytes) throw new Error('a package is too long');
  const pieces: Buffer[] = [];
  let page = first;
  for (let left = length; left > 0; ) {
    const at = page * pageBytes;
    if (page === 0 || at + pageBytes > bytes.length || bytes[at + 25] !== overflowPage) {
      throw new Error('a package is cut short');
    }
    const piece = bytes.subarray(at + headerBytes, at + Math.min(pageBytes, headerBytes + left));
    pieces.push(piece);
    left -= piece.length;
    page = littleEndian ? bytes.readUInt32LE(at + 16) : bytes.readUInt32BE(at + 16);
  }
  return Buffer.concat(pieces);
}
