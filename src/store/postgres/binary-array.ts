/**
 * A list of values in PostgreSQL's binary form of an array. The client would write it as text, in which it escapes each
 * quote of a document, and which the server parses again.
 * Source: array_recv() in src/backend/utils/adt/arrayfuncs.c of PostgreSQL 17.
 */
import { type Column, isLongText, type SqlValue } from '../batch.ts';

/** Ids of the types: pg_type.dat. */
const typeIds: Readonly<Record<Column['type'], number>> = { text: 25, bigint: 20 };
const headBytes = 20;
const lengthBytes = 4;
const bigintBytes = 8;
const nullLength = -1;

/** The client sends buffers in binary form. */
export function binaryArray(type: Column['type'], values: readonly SqlValue[]): Buffer {
  const texts = values.map((value) => (typeof value === 'string' ? storable(value) : value));
  const lengths = texts.map((value) => (value === null ? nullLength : lengthOf(type, value)));
  const size = lengths.reduce((sum, length) => sum + lengthBytes + Math.max(0, length), headBytes);
  const bytes = Buffer.allocUnsafe(size);
  bytes.writeInt32BE(1, 0); // dimensions
  bytes.writeInt32BE(lengths.includes(nullLength) ? 1 : 0, 4);
  bytes.writeInt32BE(typeIds[type], 8);
  bytes.writeInt32BE(texts.length, 12);
  bytes.writeInt32BE(1, 16); // the first index
  let at = headBytes;
  texts.forEach((value, index) => {
    const length = lengths[index] ?? nullLength;
    at = bytes.writeInt32BE(length, at);
    if (value === null) return;
    if (type === 'bigint') bytes.writeBigInt64BE(BigInt(numberIn(value)), at);
    else if (isLongText(value)) value.pieces.reduce((to, piece) => to + copy(piece, bytes, to), at);
    else bytes.write(String(value), at, 'utf8');
    at += length;
  });
  return bytes;
}

/** PostgreSQL can't store a NUL in text. */
function storable(text: string): string {
  return text.includes('\0') ? text.replaceAll('\0', '\uFFFD') : text;
}

function lengthOf(type: Column['type'], value: Exclude<SqlValue, null>): number {
  if (type === 'bigint') return bigintBytes;
  if (isLongText(value)) return value.pieces.reduce((sum, { byteLength }) => sum + byteLength, 0);
  return Buffer.byteLength(String(value));
}

function numberIn(value: SqlValue): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) throw new Error('not a whole number');
  return value;
}

function copy(piece: Uint8Array, to: Buffer, at: number): number {
  to.set(piece, at);
  return piece.byteLength;
}
