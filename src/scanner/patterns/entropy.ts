/** Measures Shannon's entropy: 0 to 8 bits per byte. Above 7.2, content is compressed or encrypted. */
interface EntropyMeter {
  add(bytes: Uint8Array): void;
  bitsPerByte(): number;
}

export function createEntropyMeter(): EntropyMeter {
  const counts = new Float64Array(256);
  let total = 0;
  return {
    add: (bytes) => {
      for (let at = 0; at < bytes.length; at++) {
        const byte = bytes[at] ?? 0;
        counts[byte] = (counts[byte] ?? 0) + 1;
      }
      total += bytes.length;
    },
    bitsPerByte: () => {
      let bits = 0;
      for (const count of counts) if (count > 0) bits -= (count / total) * Math.log2(count / total);
      return bits;
    },
  };
}

export function entropyOf(bytes: Uint8Array): number {
  const meter = createEntropyMeter();
  meter.add(bytes);
  return meter.bitsPerByte();
}
