/** Files as inspectors receive them. */
import { headBytes, type ScannedFile } from './types.ts';

export function scannedFile(
  path: string,
  content: string | Buffer,
  facts: Partial<ScannedFile> = {},
): ScannedFile {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  return {
    path,
    mode: 0o644,
    uid: 0,
    gid: 0,
    sizeBytes: bytes.length,
    xattrs: new Map(),
    head: bytes.subarray(0, headBytes),
    content: bytes,
    ...facts,
  };
}
