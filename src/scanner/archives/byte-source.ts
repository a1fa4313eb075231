/** Reads a stream of pieces in other lengths, and knows the offset of each byte. */

export interface ByteSource {
  /** Offset of the next byte. */
  at(): number;
  /** Returns at least this many bytes, unless fewer are left, and takes none. */
  peek(length: number): Promise<Buffer>;
  /** @throws Error when fewer are left */
  take(length: number): Promise<Buffer>;
  /** Takes this many bytes, piece by piece. @throws Error when fewer are left */
  pieces(length: number): AsyncGenerator<Buffer>;
  /** Takes the bytes that are in memory, at least one; undefined at the end. */
  some(most?: number): Promise<Buffer | undefined>;
  /** Puts back the bytes that were taken last. */
  putBack(bytes: Buffer): void;
}

const nothing = Buffer.alloc(0);

/** @param seen called with each piece and its offset when it arrives */
export function openByteSource(
  input: AsyncIterable<Buffer>,
  seen: (piece: Buffer, at: number) => void = () => undefined,
): ByteSource {
  const incoming = input[Symbol.asyncIterator]();
  let held: Buffer = nothing;
  let at = 0;
  let come = 0;

  const next = async (): Promise<Buffer | undefined> => {
    for (;;) {
      const { value, done } = await incoming.next();
      if (done === true) return undefined;
      seen(value, come);
      come += value.length;
      if (value.length > 0) return value;
    }
  };
  const some = async (most = Number.MAX_SAFE_INTEGER): Promise<Buffer | undefined> => {
    if (held.length === 0) held = (await next()) ?? nothing;
    if (held.length === 0) return undefined;
    const piece = held.subarray(0, most);
    held = held.subarray(piece.length);
    at += piece.length;
    return piece;
  };
  const pieces = async function* (length: number): AsyncGenerator<Buffer> {
    for (let left = length; left > 0; ) {
      const piece = await some(left);
      if (piece === undefined) throw new Error('it is cut short');
      left -= piece.length;
      yield piece;
    }
  };

  return {
    at: () => at,
    some,
    pieces,
    peek: async (length) => {
      while (held.length < length) {
        const piece = await next();
        if (piece === undefined) break;
        held = held.length === 0 ? piece : Buffer.concat([held, piece]);
      }
      return held;
    },
    take: async (length) => {
      if (held.length >= length) return (await some(length)) ?? nothing;
      const all = Buffer.allocUnsafeSlow(length);
      let filled = 0;
      for await (const piece of pieces(length)) filled += piece.copy(all, filled);
      return all;
    },
    putBack: (bytes) => {
      held = held.length === 0 ? bytes : Buffer.concat([bytes, held]);
      at -= bytes.length;
    },
  };
}
