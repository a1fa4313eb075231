/** Bytes that come in pieces, taken in pieces of other sizes; copied only where one spans two. */

export interface Buffering {
  push(bytes: Buffer): void;
  /** Exactly so many; undefined when they are not all there. Valid until the next push. */
  take(length: number): Buffer | undefined;
  /** At least one, at most so many; undefined when there are none. */
  some(length: number): Buffer | undefined;
  /** At most so many, which stay where they are. */
  peek(length: number): Buffer;
  /** Passes over at most so many, and says how many. */
  skip(length: number): number;
  /** Undoes the last taking of so many. */
  putBack(length: number): void;
  /** How many are there. */
  held(): number;
}

export function openBuffering(): Buffering {
  let bytes: Buffer = Buffer.alloc(0);
  let at = 0;
  const held = () => bytes.length - at;
  const some = (length: number): Buffer | undefined => {
    const count = Math.min(length, held());
    if (count === 0) return undefined;
    at += count;
    return bytes.subarray(at - count, at);
  };
  return {
    push: (more) => {
      bytes = held() === 0 ? more : Buffer.concat([bytes.subarray(at), more]);
      at = 0;
    },
    take: (length) => (length <= held() ? (some(length) ?? Buffer.alloc(0)) : undefined),
    some,
    peek: (length) => bytes.subarray(at, at + length),
    skip: (length) => some(length)?.length ?? 0,
    putBack: (length) => {
      at -= length;
    },
    held,
  };
}
