/**
 * Reads a file in pieces that share the same memory: collecting new memory for each piece would take longer than scanning
 * it. It reads synchronously, so the process must have nothing else to do.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import type { LayerBytes } from '../layers/read-layer.ts';

/** Large, because each piece costs a turn of the event loop. */
export const pieceBytes = 256 * 1024;
/** Each piece stays valid until two more were requested. */
const rooms = 3;

/** @throws what opening the file throws; the iterator throws what reading throws */
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

/** Returns buffers in rotation; each stays valid until two more were requested. */
export function rotatingRooms(length: number): () => Buffer {
  const all = Array.from({ length: rooms }, () => Buffer.allocUnsafeSlow(length));
  let at = 0;
  return () => {
    const room = all[at] ?? Buffer.allocUnsafeSlow(length);
    at = (at + 1) % rooms;
    return room;
  };
}
