/**
 * Pieces of a file, each with the end of those before it, always in the same memory: new memory for each would be
 * collected more often than it takes to look at it.
 */
interface RollingBytes {
  /** What was kept, and the piece behind it. Valid until the next is added. */
  add(piece: Uint8Array): Buffer;
  /** Keeps what `add` returned last, but for its first `count` bytes. */
  drop(count: number): void;
}

export function openRollingBytes(): RollingBytes {
  let room: Buffer = Buffer.alloc(0);
  let from = 0;
  let to = 0;
  return {
    add: (piece) => {
      const kept = to - from;
      const length = kept + piece.length;
      const target = length > room.length ? Buffer.allocUnsafeSlow(length) : room;
      room.copy(target, 0, from, to);
      target.set(piece, kept);
      room = target;
      from = 0;
      to = length;
      return room.subarray(0, to);
    },
    drop: (count) => {
      from = Math.min(to, from + count);
    },
  };
}
