/** Detects Node.js by the name that its inspector gives, which every build contains. */
import type { FoundPackage } from '../types.ts';

export const nodeMark = Buffer.from('node.js/v');
/** Bytes after the mark that may hold the version. */
export const nodeVersionBytes = 32;
/** Every Node.js is larger. */
const leastBytes = 8 * 1024 * 1024;

/** Searches a whole program. */
export function nodeIn(content: Buffer): FoundPackage | undefined {
  if (content.length < leastBytes) return undefined;
  for (let at = content.indexOf(nodeMark); at >= 0; at = content.indexOf(nodeMark, at + 1)) {
    const found = nodeAt(content, at);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** @param at offset of the mark */
export function nodeAt(bytes: Buffer, at: number): FoundPackage | undefined {
  const start = at + nodeMark.length;
  const version = /^\d{1,3}\.\d{1,3}\.\d{1,3}(?:-[\w.]{1,20})?(?![\w.])/.exec(
    bytes.toString('latin1', start, start + nodeVersionBytes),
  )?.[0];
  return version === undefined ? undefined : { ecosystem: 'binary', name: 'node', version };
}
