/**
 * zlib returns each piece in new memory, which V8 counts as a few small objects: it would accumulate hundreds of
 * them, and then run full collections. So Ward releases the memory of each piece as soon as it has been read.
 */

import { giveBackAround } from '../../lib/index.ts';

/**
 * Call the result with each piece that was read. It releases the piece at the next call: until then, the end of the
 * piece can be in use.
 */
export function openReleasing(): (piece: Buffer) => void {
  let last: Buffer | undefined;
  return (piece) => {
    if (last !== undefined) release(last);
    last = piece;
  };
}

/** Does nothing while the memory has space left: zlib fills it before it takes new memory. */
function release(piece: Buffer): void {
  if (piece.byteOffset + piece.length === piece.buffer.byteLength) giveBackAround(piece);
}
