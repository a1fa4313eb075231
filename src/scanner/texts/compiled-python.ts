/**
 * Extracts the texts of compiled Python (`.pyc`): strings as `marshal` writes them, a type, a length and the bytes. The
 * rest of the format differs between versions, so it searches for that form.
 * Source: CPython, Python/marshal.c; PEP 552.
 */

/** Masks the flag of values that are referred to later. */
const typeBits = 0x7f;
const shortTypes = new Set([...'zZ'].map((type) => type.charCodeAt(0)));
const longTypes = new Set([...'aAsut'].map((type) => type.charCodeAt(0)));
const shortestText = 6;
const headerBytes = 16;

/** The magic number ends in CR and LF, so that a copy in text mode breaks it. */
export function isCompiledPython(start: Buffer): boolean {
  if (start.length < headerBytes || start.readUInt16BE(2) !== 0x0d0a) return false;
  // Two bits of flags, since Python 3.7.
  return start.readUInt32LE(4) <= 3;
}

export function* pythonTexts(bytes: Buffer): Generator<Buffer> {
  for (let at = headerBytes; at + 1 < bytes.length; ) {
    const text = textAt(bytes, at);
    if (text !== undefined) yield text;
    at = text === undefined ? at + 1 : text.byteOffset - bytes.byteOffset + text.length;
  }
}

function textAt(bytes: Buffer, at: number): Buffer | undefined {
  const type = (bytes[at] ?? 0) & typeBits;
  const isShort = shortTypes.has(type);
  if (!isShort && !longTypes.has(type)) return undefined;
  const start = at + (isShort ? 2 : 5);
  if (start > bytes.length) return undefined;
  const length = isShort ? (bytes[at + 1] ?? 0) : bytes.readUInt32LE(at + 1);
  if (length < shortestText || start + length > bytes.length) return undefined;
  const text = bytes.subarray(start, start + length);
  return isPrintable(text) ? text : undefined;
}

function isPrintable(text: Buffer): boolean {
  return text.every((byte) => byte >= 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09);
}
