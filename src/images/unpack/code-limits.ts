/** What an action's zip may be at most: checked when it is created, and again on the real bytes when it is laid. */
import type { ArchiveLimits } from '../types.ts';

const mebibyte = 1024 * 1024;

export const codeArchiveLimits: ArchiveLimits = {
  maxEntries: 20_000,
  maxTotalBytes: 512 * mebibyte,
  maxEntryBytes: 256 * mebibyte,
  maxPathDepth: 32,
};

/** An ELF file, or a script that names its interpreter. */
export function isProgram(bytes: Buffer): boolean {
  return bytes.toString('latin1', 0, 4) === '\x7fELF' || bytes.toString('latin1', 0, 2) === '#!';
}
