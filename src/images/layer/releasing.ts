/**
 * zlib hands out each piece in new memory, which V8 knows as a few small objects: it would gather hundreds of them, and
 * answer with full collections. So the memory of each is given back as soon as it has been read.
 */

import { giveBackAround } from '../../lib/index.ts';

/** To be told of each piece when it was read. Its memory goes with the next: until then there may be a rest of it. */
export function openReleasing(): (piece: Buffer) => void {
  let last: Buffer | undefined;
  return (piece) => {
    if (last !== undefined) release(last);
    last = piece;
  };
}

/** Unless there is a rest of the memory: zlib fills that before it takes other memory. */
function release(piece: Buffer): void {
  if (piece.byteOffset + piece.length === piece.buffer.byteLength) giveBackAround(piece);
}
