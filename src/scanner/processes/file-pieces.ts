/**
 * A file's bytes in pieces, always in the same memory: new memory for each would be collected more often than it takes
 * to look at it. For a process that has nothing else to do: it stands still while the disk works.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import type { LayerBytes } from '../layers/read-layer.ts';

/** Large: each costs a turn of the event loop. */
export const pieceBytes = 256 * 1024;
/** A piece stays as it is until the next but two is asked for. */
const rooms = 3;

/** @throws what opening the file fails with; iterating what reading does */
export function openFilePieces(path: string): LayerBytes {
  const file = openSync(path, 'r');
  let isOpen = true;
  const destroy = (): void => {
    if (isOpen) closeSync(file);
    isOpen = false;
  };
  return { destroy, [Symbol.asyncIterator]: () => piecesOf(file) };
}

async function* piecesOf(file: number): AsyncGenerator<Buffer> {
  const next = rotatingRooms(pieceBytes);
  for (;;) {
    const room = next();
    const count = readSync(file, room);
    if (count === 0) return;
    yield room.subarray(0, count);
  }
}

/** Memory that is used again for the next but two. */
export function rotatingRooms(length: number): () => Buffer {
  const all = Array.from({ length: rooms }, () => Buffer.allocUnsafeSlow(length));
  let at = 0;
  return () => {
    const room = all[at] ?? Buffer.allocUnsafeSlow(length);
    at = (at + 1) % rooms;
    return room;
  };
}
