/**
 * Compares the directory of a streamed zip with the entries that came before it. It must list exactly those, at their
 * offsets.
 */
import type { ByteSource } from './byte-source.ts';

/** An entry that was read. */
export interface Passed {
  readonly name: Buffer;
  readonly method: number;
  readonly packedBytes: number;
  readonly sizeBytes: number;
}

const recordMark = 0x02014b50;
const recordBytes = 46;
const end64Mark = 0x06064b50;
const end64Bytes = 56;
const locatorMark = 0x07064b50;
const locatorBytes = 20;
const endMark = 0x06054b50;
const endMarkBytes = Buffer.from('PK\x05\x06', 'latin1');
const endBytes = 22;
const zip64Field = 1;
const long = 0xffffffff;
const unlisted = 'it has entries that its directory does not list';
const otherwise = 'its directory and an entry disagree';

/**
 * @param start offset of the first entry
 * @param passed entries by offset
 * @param hasRecord whether bytes like those of a record are at an offset
 * @throws Error when another program could find something else in it
 */
export async function compareDirectory(
  source: ByteSource,
  start: number,
  passed: ReadonlyMap<number, Passed>,
  hasRecord: (place: number) => boolean,
): Promise<void> {
  const directory = source.at();
  const found: Listed[] = [];
  while (await isNext(source, recordMark)) {
    found.push(await readRecord(source));
    if (found.length > passed.size) throw new Error(otherwise);
  }
  const size = source.at() - directory;
  const said = await readEnd(source);
  if (said.size !== size || said.entries !== found.length) throw new Error(otherwise);
  const base = directory - said.offset;
  const { end64 } = said;
  if (end64 !== undefined && end64.said + base !== end64.at) throw new Error('its end is not where it says');
  if (base !== 0 && base !== start) throw new Error('its directory is not where it says');
  if (base !== 0 && hasRecord(said.offset)) throw new Error('it can be read as two different zips');
  if (found.length !== passed.size) throw new Error(unlisted);
  const seen = new Set<number>();
  for (const record of found) {
    const place = record.offset + base;
    const entry = passed.get(place);
    if (entry === undefined || seen.has(place) || !isSame(record, entry)) throw new Error(otherwise);
    seen.add(place);
  }
}

interface Listed extends Passed {
  readonly offset: number;
}

function isSame(record: Listed, entry: Passed): boolean {
  return (
    record.name.equals(entry.name) &&
    record.method === entry.method &&
    record.packedBytes === entry.packedBytes &&
    record.sizeBytes === entry.sizeBytes
  );
}

async function isNext(source: ByteSource, mark: number): Promise<boolean> {
  const ahead = await source.peek(4);
  return ahead.length >= 4 && ahead.readUInt32LE() === mark;
}

async function readRecord(source: ByteSource): Promise<Listed> {
  const head = Buffer.from(await source.take(recordBytes));
  const name = Buffer.from(await source.take(head.readUInt16LE(28)));
  const extra = Buffer.from(await source.take(head.readUInt16LE(30)));
  await source.take(head.readUInt16LE(32));
  const short = { size: head.readUInt32LE(24), packed: head.readUInt32LE(20), offset: head.readUInt32LE(42) };
  const next = longNumbers(extra);
  // The numbers that do not fit stand in this order in the field.
  const sizeBytes = short.size === long ? next() : short.size;
  const packedBytes = short.packed === long ? next() : short.packed;
  const offset = short.offset === long ? next() : short.offset;
  return { name, method: head.readUInt16LE(10), packedBytes, sizeBytes, offset };
}

function longNumbers(extra: Buffer): () => number {
  let at = 0;
  let end = 0;
  for (let field = 0; field + 4 <= extra.length; field += 4 + extra.readUInt16LE(field + 2)) {
    if (extra.readUInt16LE(field) !== zip64Field) continue;
    at = field + 4;
    end = Math.min(extra.length, at + extra.readUInt16LE(field + 2));
    break;
  }
  return () => {
    if (at + 8 > end) throw new Error(otherwise);
    at += 8;
    return Number(extra.readBigUInt64LE(at - 8));
  };
}

interface End {
  readonly entries: number;
  readonly size: number;
  readonly offset: number;
  /** Where the ZIP64 end record is, and where its locator says it is. */
  readonly end64?: { readonly at: number; readonly said: number };
}

/** Reads the end record, from which all programs start. */
async function readEnd(source: ByteSource): Promise<End> {
  let wide: End | undefined;
  if (await isNext(source, end64Mark)) {
    const at = source.at();
    const record = Buffer.from(await source.take(end64Bytes));
    if (record.readBigUInt64LE(4) !== BigInt(end64Bytes - 12))
      throw new Error('its ZIP64 end record has an unknown length');
    const [entries, size, offset] = [32, 40, 48].map((at) => Number(record.readBigUInt64LE(at)));
    if (!(await isNext(source, locatorMark))) throw new Error('its end is damaged');
    const said = Number((await source.take(locatorBytes)).readBigUInt64LE(8));
    wide = { entries: entries ?? 0, size: size ?? 0, offset: offset ?? 0, end64: { at, said } };
  }
  if (!(await isNext(source, endMark))) throw new Error('something else follows its entries');
  const end = Buffer.from(await source.take(endBytes));
  const comment = Buffer.from(await source.take(end.readUInt16LE(20)));
  if ((await source.peek(1)).length > 0) throw new Error('something follows its end');
  if (comment.includes(endMarkBytes)) throw new Error('it can be read as two different zips');
  const narrow = { entries: end.readUInt16LE(10), size: end.readUInt32LE(12), offset: end.readUInt32LE(16) };
  if (wide === undefined) return narrow;
  const agrees =
    (narrow.entries === 0xffff || narrow.entries === wide.entries) &&
    (narrow.size === long || narrow.size === wide.size) &&
    (narrow.offset === long || narrow.offset === wide.offset);
  if (!agrees) throw new Error('it can be read as two different zips');
  return wide;
}
