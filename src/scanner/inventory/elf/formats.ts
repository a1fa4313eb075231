/**
 * Detects programs for Windows (PE) and macOS (Mach-O), which images carry for download.
 * Sources: Microsoft, "PE Format"; Apple, mach-o/loader.h and mach-o/fat.h.
 */
import { isElf } from './sections.ts';

/** Whether the file begins like a program for any system. */
export function isProgram(head: Buffer): boolean {
  return isElf(head) || isMachO(head) || isPe(head);
}

const machO: ReadonlySet<number> = new Set([0xfeedface, 0xfeedfacf, 0xcefaedfe, 0xcffaedfe]);
const universal = 0xcafebabe;
/**
 * Java classes begin with the same magic as universal programs. Where a class has its version, a program has its number of
 * architectures.
 */
const firstJavaVersion = 45;

function isMachO(head: Buffer): boolean {
  if (head.length < 28) return false;
  const magic = head.readUInt32BE(0);
  return machO.has(magic) || (magic === universal && head.readUInt32BE(4) < firstJavaVersion);
}

function isPe(head: Buffer): boolean {
  if (head.length < 64 || head.readUInt16BE(0) !== 0x4d5a) return false;
  const at = head.readUInt32LE(0x3c);
  return at + 4 > head.length || head.readUInt32BE(at) === 0x50450000;
}

const mostSections = 1000;

/**
 * Undefined when there is no such section, or the file is not a program for Windows. Throws when the section leads out of
 * the file.
 */
export function peSection(bytes: Buffer, name: string): Buffer | undefined {
  if (!isPe(bytes)) return undefined;
  const header = bytes.readUInt32LE(0x3c);
  const count = Math.min(bytes.readUInt16LE(header + 6), mostSections);
  const table = header + 24 + bytes.readUInt16LE(header + 20);
  for (let at = table; at < table + count * 40; at += 40) {
    if (bytes.toString('latin1', at, at + 8).replace(/\0+$/, '') !== name) continue;
    const start = bytes.readUInt32LE(at + 20);
    const end = start + Math.min(bytes.readUInt32LE(at + 8), bytes.readUInt32LE(at + 16));
    if (end > bytes.length) throw new Error('a section ends outside the file');
    return bytes.subarray(start, end);
  }
  return undefined;
}
