/** Limits of an action's zip, checked when the action is created, and again on the real bytes at unpacking. */
import type { ArchiveLimits } from '../types.ts';

const mebibyte = 1024 * 1024;

export const codeArchiveLimits: ArchiveLimits = {
  maxEntries: 20_000,
  maxTotalBytes: 512 * mebibyte,
  maxEntryBytes: 256 * mebibyte,
  maxPathDepth: 32,
};

/** Recognises an ELF file, or a script that names its interpreter. */
export function isProgram(bytes: Buffer): boolean {
  return bytes.toString('latin1', 0, 4) === '\x7fELF' || bytes.toString('latin1', 0, 2) === '#!';
}
