/**
 * Reads an SQLite database in memory: the blobs of one table, such as rpm's `Packages` (number, blob), and all texts. It
 * implements only the parts of the format that this needs, and no SQL, because the file is untrusted.
 * Source: sqlite.org, "Database File Format".
 */

const magic = 'SQLite format 3\0';
const headerBytes = 100;
const interiorPage = 5;
const leafPage = 13;
const indexLeafPage = 10;
const maxDepth = 20;
const maxBlobBytes = 64 * 1024 * 1024;

interface Database {
  readonly bytes: Buffer;
  readonly pageBytes: number;
  /** Bytes of a page without the part reserved for extensions. */
  readonly usableBytes: number;
  /** Pages already read. Each is read once, so a cycle ends. */
  readonly seen: Set<number>;
}

export function isSqlite(bytes: Buffer): boolean {
  return bytes.toString('latin1', 0, magic.length) === magic;
}

/** Yields the second column of each row if it is a blob. Throws when the file is damaged. */
export function* sqliteBlobs(bytes: Buffer, table: string): Generator<Buffer> {
  const database = openDatabase(bytes);
  const root = rootOf(database, table);
  for (const record of recordsOf(database, root, 0)) {
    const blob = columnsOf(record)[1];
    if (Buffer.isBuffer(blob)) yield blob;
  }
}

/**
 * Yields texts and blobs of all rows of all pages, even of deleted tables. Skips damaged rows and pages, because rules also
 * see the bytes of the file. Throws when its page size is invalid.
 */
export function* sqliteTexts(bytes: Buffer): Generator<Buffer> {
  const database = openDatabase(bytes);
  for (let page = 1; page * database.pageBytes <= bytes.length; page++) {
    const content = pageAt(database, page);
    const start = page === 1 ? headerBytes : 0;
    const kind = content.readUInt8(start);
    if (kind !== leafPage && kind !== indexLeafPage) continue;
    const cells = Math.min(content.readUInt16BE(start + 3), database.pageBytes / 4);
    for (let cell = 0; cell < cells; cell++) {
      try {
        const at = content.readUInt16BE(start + 8 + cell * 2);
        yield* textsOf(payloadAt(database, content, at, kind === indexLeafPage));
      } catch {
        // The rest of the page may be intact.
      }
    }
  }
}

function* textsOf(record: Buffer): Generator<Buffer> {
  const [headerLength, first] = varint(record, 0);
  let data = headerLength;
  for (let at = first; at < headerLength; ) {
    const [type, after] = varint(record, at);
    at = after;
    const length = lengthOf(type);
    if (type >= 12 && length > 0) yield sliceOf(record, data, length);
    data += length;
  }
}

function openDatabase(bytes: Buffer): Database {
  const stated = bytes.readUInt16BE(16);
  const pageBytes = stated === 1 ? 65_536 : stated;
  const usableBytes = pageBytes - bytes.readUInt8(20);
  if (pageBytes < 512 || (pageBytes & (pageBytes - 1)) !== 0 || usableBytes < 480) {
    throw new Error('its page size is invalid');
  }
  return { bytes, pageBytes, usableBytes, seen: new Set<number>() };
}

/** The schema is itself a table: type, name, table, root page, SQL. */
function rootOf(database: Database, table: string): number {
  for (const record of recordsOf(database, 1, 0)) {
    const [type, name, , root] = columnsOf(record);
    if (String(type) === 'table' && String(name) === table && typeof root === 'number') return root;
  }
  throw new Error(`it has no table ${table}`);
}

function* recordsOf(database: Database, page: number, depth: number): Generator<Buffer> {
  if (depth > maxDepth || database.seen.has(page)) throw new Error('its pages form a cycle');
  database.seen.add(page);
  const bytes = pageAt(database, page);
  const start = page === 1 ? headerBytes : 0;
  const kind = bytes.readUInt8(start);
  const cells = bytes.readUInt16BE(start + 3);
  if (kind !== interiorPage && kind !== leafPage) throw new Error('a page is of the wrong kind');
  const pointers = start + (kind === interiorPage ? 12 : 8);
  for (let cell = 0; cell < cells; cell++) {
    const at = bytes.readUInt16BE(pointers + cell * 2);
    if (kind === interiorPage) yield* recordsOf(database, bytes.readUInt32BE(at), depth + 1);
    else yield payloadAt(database, bytes, at);
  }
  if (kind === interiorPage) yield* recordsOf(database, bytes.readUInt32BE(start + 8), depth + 1);
}

function pageAt({ bytes, pageBytes }: Database, page: number): Buffer {
  const start = (page - 1) * pageBytes;
  if (page < 1 || start + pageBytes > bytes.length) throw new Error('a page is missing');
  return bytes.subarray(start, start + pageBytes);
}

/** A cell has a length, a row id (except in an index) and the payload, which continues in a chain of overflow pages. */
function payloadAt(database: Database, page: Buffer, at: number, isIndex = false): Buffer {
  const [length, afterLength] = varint(page, at);
  const start = isIndex ? afterLength : varint(page, afterLength)[1];
  if (length > maxBlobBytes) throw new Error('a row is too long');
  const { usableBytes } = database;
  const most = isIndex ? Math.floor(((usableBytes - 12) * 64) / 255) - 23 : usableBytes - 35;
  if (length <= most) return sliceOf(page, start, length);
  const least = Math.floor(((usableBytes - 12) * 32) / 255) - 23;
  const fitting = least + ((length - least) % (usableBytes - 4));
  const local = fitting <= most ? fitting : least;
  const pieces = [sliceOf(page, start, local)];
  let next = page.readUInt32BE(start + local);
  for (let left = length - local; left > 0; ) {
    const overflow = pageAt(database, next);
    const piece = overflow.subarray(4, 4 + Math.min(left, usableBytes - 4));
    pieces.push(piece);
    left -= piece.length;
    next = overflow.readUInt32BE(0);
  }
  return Buffer.concat(pieces);
}

type Column = number | string | Buffer | undefined;

function columnsOf(record: Buffer): Column[] {
  const [headerLength, first] = varint(record, 0);
  const columns: Column[] = [];
  let data = headerLength;
  for (let at = first; at < headerLength; ) {
    const [type, after] = varint(record, at);
    at = after;
    const [column, length] = columnAt(record, data, type);
    columns.push(column);
    data += length;
  }
  return columns;
}

/** Returns the value and its length in bytes. */
function columnAt(record: Buffer, at: number, type: number): [Column, number] {
  const length = lengthOf(type);
  if (type >= 12) {
    const bytes = sliceOf(record, at, length);
    return [type % 2 === 0 ? bytes : bytes.toString('utf8'), length];
  }
  if (type === 8 || type === 9) return [type - 8, 0];
  return [length > 0 && length <= 6 ? record.readIntBE(at, length) : undefined, length];
}

/** Length of a column in bytes. */
function lengthOf(type: number): number {
  return type >= 12 ? Math.floor((type - 12) / 2) : ([0, 1, 2, 3, 4, 6, 8, 8][type] ?? 0);
}

function sliceOf(bytes: Buffer, at: number, length: number): Buffer {
  if (at + length > bytes.length) throw new Error('a row ends outside its page');
  return bytes.subarray(at, at + length);
}

/** Seven bits per byte; the highest bit says that more follow. Numbers of nine bytes are too large for anything here. */
function varint(bytes: Buffer, at: number): [value: number, end: number] {
  let value = 0;
  for (let count = 0; count < 8; count++) {
    const byte = bytes.readUInt8(at + count);
    value = value * 128 + (byte & 0x7f);
    if (byte < 0x80) return [value, at + count + 1];
  }
  throw new Error('a number is too large');
}
