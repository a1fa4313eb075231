/**
 * Extracts encoded texts: UTF-16, tables of SQLite, compiled Python. Rules are written for plain text, so the texts of such
 * a file are searched besides its bytes.
 */
import { isSqlite, sqliteTexts } from '../inventory/rpm/sqlite.ts';
import { isCompiledPython, pythonTexts } from './compiled-python.ts';

export interface PlainText {
  readonly bytes: Buffer;
  /** Its lines are the lines of the file. */
  readonly hasLines: boolean;
}

const lineFeed = Buffer.from('\n');
/** Enough to detect the encoding. */
const lookedAtBytes = 4096;
/** Offset of the encoding in SQLite's header; 1 is UTF-8. */
const encodingAt = 56;

/** Whether the file has encoded texts, by its first bytes. */
export function hidesText(start: Buffer): boolean {
  return isWide(start) || isSqlite(start) || isCompiledPython(start);
}

/** Undefined when the file has no encoded texts. The result is never longer than the file. */
export function plainTextOf(content: Buffer): PlainText | undefined {
  if (isWide(content)) return { bytes: narrowed(content), hasLines: true };
  if (isSqlite(content)) {
    const texts = joined(sqliteTexts(content), content.length);
    const isNarrow = content.readUInt32BE(encodingAt) === 1;
    return { bytes: isNarrow ? texts : narrowed(texts), hasLines: false };
  }
  if (isCompiledPython(content))
    return { bytes: joined(pythonTexts(content), content.length), hasLines: false };
  return undefined;
}

/**
 * Detects UTF-16 and UTF-32, with or without a byte order mark. Most characters of real texts are ASCII, so one byte of
 * each pair is zero, always at the same place.
 */
export function isWide(start: Buffer): boolean {
  const first = start.subarray(0, lookedAtBytes & ~1);
  if (first.length < 8 || !first.includes(0)) return false;
  const mark = first.readUInt16BE(0);
  let even = 0;
  let odd = 0;
  for (let at = 0; at + 1 < first.length; at += 2) {
    if (first[at] === 0) even++;
    if (first[at + 1] === 0) odd++;
  }
  const pairs = Math.floor(first.length / 2);
  const isMarked = (mark === 0xfffe || mark === 0xfeff) && even + odd > pairs / 4;
  return isMarked || (Math.max(even, odd) > pairs * 0.7 && Math.min(even, odd) < pairs * 0.05);
}

/** Drops all zeros, which restores ASCII characters in any byte order. */
export function narrowed(wide: Buffer): Buffer {
  const narrow = Buffer.allocUnsafeSlow(wide.length);
  let length = 0;
  for (const byte of wide) {
    if (byte !== 0) narrow[length++] = byte;
  }
  return narrow.subarray(0, length);
}

/** Joins texts as lines, up to a limit: a hostile file could refer to one text many times. */
function joined(texts: Iterable<Buffer>, mostBytes: number): Buffer {
  const pieces: Buffer[] = [];
  let length = 0;
  try {
    for (const text of texts) {
      length += text.length + 1;
      if (length > mostBytes) break;
      pieces.push(text, lineFeed);
    }
  } catch {
    // The rest is damaged.
  }
  return Buffer.concat(pieces);
}
