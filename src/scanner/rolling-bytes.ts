/**
 * Joins each piece of a file to the end of those before it, in the same memory: collecting new memory for each piece would
 * take longer than scanning it.
 */
interface RollingBytes {
  /** Returns the kept bytes followed by the piece. They are valid until the next call. */
  add(piece: Uint8Array): Buffer;
  /** Drops the first `count` bytes of what `add` returned last, and keeps the rest. */
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
