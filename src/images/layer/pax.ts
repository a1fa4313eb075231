/**
 * The records of a PAX header: repeated `LENGTH KEY=VALUE\n`.
 * Source: POSIX.1-2017, pax, "pax Extended Header".
 */
import { invalidTar } from './tar-header.ts';

export type PaxRecords = ReadonlyMap<string, Buffer>;

const newline = 0x0a;
const equals = 0x3d;
const blank = 0x20;
const longestLength = 8;

/** @throws Fault ARCHIVE_INVALID */
export function parsePax(bytes: Buffer): PaxRecords {
  const records = new Map<string, Buffer>();
  let at = 0;
  while (at < bytes.length) {
    const gap = bytes.subarray(at, at + longestLength).indexOf(blank);
    const digits = bytes.toString('latin1', at, at + Math.max(gap, 0));
    const end = at + (/^[1-9]\d*$/.test(digits) ? Number(digits) : 0);
    const split = bytes.subarray(at, end).indexOf(equals);
    if (split < 0 || end > bytes.length || bytes[end - 1] !== newline)
      throw invalidTar('a PAX record is damaged');
    const key = bytes.toString('utf8', at + gap + 1, at + split);
    if (records.has(key))
      throw invalidTar(`the PAX record ${JSON.stringify(key.slice(0, 60))} appears twice`);
    records.set(key, bytes.subarray(at + split + 1, end - 1));
    at = end;
  }
  return records;
}

/** Reads a record as a non-negative number. @throws Fault ARCHIVE_INVALID */
export function paxNumber(records: PaxRecords, key: string): number | undefined {
  const text = records.get(key)?.toString('latin1');
  if (text === undefined) return undefined;
  if (!/^\d{1,15}$/.test(text)) throw invalidTar(`the PAX record ${key} is not a number`);
  return Number(text);
}
