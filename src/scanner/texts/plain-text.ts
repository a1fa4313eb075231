/**
 * Texts that do not lie in a file as they are: in UTF-16, in the tables of SQLite, in compiled Python. Rules are written
 * for text, so such a file is looked at a second time, by its texts.
 */
import { isSqlite, sqliteTexts } from '../inventory/rpm/sqlite.ts';
import { isCompiledPython, pythonTexts } from './compiled-python.ts';

export interface PlainText {
  readonly bytes: Buffer;
  /** Its lines are those of the file. */
  readonly hasLines: boolean;
}

const lineFeed = Buffer.from('\n');
/** Enough to tell by. */
const lookedAtBytes = 4096;
/** Of the encodings of SQLite: 1 is UTF-8. */
const encodingAt = 56;

/** Whether there is anything to be found in such a file, by how it begins. */
export function hidesText(start: Buffer): boolean {
  return isWide(start) || isSqlite(start) || isCompiledPython(start);
}

/** Undefined when its texts lie in it as they are, or it has none. Never longer than the file. */
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
 * UTF-16 or UTF-32, with a byte order mark or without: of what people and programs write in them, most characters are
 * of ASCII, and so one byte of two is zero, always the same.
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

/** Without its zeros: what was ASCII is as it should be, whatever the order of the bytes is. */
export function narrowed(wide: Buffer): Buffer {
  const narrow = Buffer.allocUnsafeSlow(wide.length);
  let length = 0;
  for (const byte of wide) {
    if (byte !== 0) narrow[length++] = byte;
  }
  return narrow.subarray(0, length);
}

/** A line each, up to so many bytes: what a file has twice is told once more often than it can be long. */
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
    // Damaged: there are no more.
  }
  return Buffer.concat(pieces);
}
