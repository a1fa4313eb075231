/** Node.js, by what its inspector calls itself: it is in every build of it, whoever made it. */
import type { FoundPackage } from '../types.ts';

export const nodeMark = Buffer.from('node.js/v');
/** As far as a version goes after the mark. */
export const nodeVersionBytes = 32;
/** No Node.js is smaller. */
const leastBytes = 8 * 1024 * 1024;

/** Of a whole program. */
export function nodeIn(content: Buffer): FoundPackage | undefined {
  if (content.length < leastBytes) return undefined;
  for (let at = content.indexOf(nodeMark); at >= 0; at = content.indexOf(nodeMark, at + 1)) {
    const found = nodeAt(content, at);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** `at` is where the mark is. */
export function nodeAt(bytes: Buffer, at: number): FoundPackage | undefined {
  const start = at + nodeMark.length;
  const version = /^\d{1,3}\.\d{1,3}\.\d{1,3}(?:-[\w.]{1,20})?(?![\w.])/.exec(
    bytes.toString('latin1', start, start + nodeVersionBytes),
  )?.[0];
  return version === undefined ? undefined : { ecosystem: 'binary', name: 'node', version };
}
