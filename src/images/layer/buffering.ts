/** Takes bytes that arrive in pieces, and returns pieces of other sizes. Copies only those that span two. */

export interface Buffering {
  push(bytes: Buffer): void;
  /** Takes exactly `length` bytes; undefined when there are fewer. Valid until the next push. */
  take(length: number): Buffer | undefined;
  /** Takes at least one and at most `length` bytes; undefined when there are none. */
  some(length: number): Buffer | undefined;
  /** Shows at most `length` bytes without taking them. */
  peek(length: number): Buffer;
  /** Skips at most `length` bytes, and returns how many. */
  skip(length: number): number;
  /** Puts back the last `length` bytes that were taken. */
  putBack(length: number): void;
  /** The number of buffered bytes. */
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
