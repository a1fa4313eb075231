/** Bits of bytes, the highest of each byte first. */
export interface BitReader {
  /** At most 24. Throws at the end. */
  read(count: number): number;
  /** To the next whole byte. */
  align(): void;
  /** The place of the byte that comes next, when it is aligned. */
  at(): number;
}

export function createBitReader(bytes: Buffer): BitReader {
  let at = 0;
  let held = 0;
  let count = 0;
  return {
    read: (wanted) => {
      while (count < wanted) {
        const byte = bytes[at];
        if (byte === undefined) throw new Error('it is cut short');
        at++;
        held = (held << 8) | byte;
        count += 8;
      }
      count -= wanted;
      const value = held >>> count;
      held &= (1 << count) - 1;
      return value;
    },
    align: () => {
      count -= count % 8;
    },
    at: () => at - count / 8,
  };
}
