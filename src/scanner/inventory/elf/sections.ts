/**
 * Reads sections and loaded segments of an ELF file in memory.
 * Source: System V ABI, chapters 4 and 5; elf(5).
 */

export interface ElfFile {
  readonly is64: boolean;
  readonly littleEndian: boolean;
  /** Undefined when there is no such section, or it leads out of the file. */
  section(name: string): Buffer | undefined;
  /** The bytes at an address of the loaded file; undefined when the file has none there. */
  atAddress(address: number, length: number): Buffer | undefined;
}

const maxSections = 10_000;
const maxSegments = 1000;
const loadType = 1;

interface Range {
  readonly name: number;
  readonly address: number;
  readonly offset: number;
  readonly size: number;
}

export function isElf(bytes: Buffer): boolean {
  return bytes.length >= 52 && bytes.readUInt32BE(0) === 0x7f454c46;
}

/** Throws when the headers lead out of the file. */
export function openElf(bytes: Buffer): ElfFile {
  const is64 = bytes[4] === 2;
  const littleEndian = bytes[5] !== 2;
  const u16 = (at: number) => (littleEndian ? bytes.readUInt16LE(at) : bytes.readUInt16BE(at));
  const u32 = (at: number) => (littleEndian ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at));
  const u64 = (at: number) => Number(littleEndian ? bytes.readBigUInt64LE(at) : bytes.readBigUInt64BE(at));
  const word = (at: number, at64: number, at32: number) => (is64 ? u64(at + at64) : u32(at + at32));
  const table = (start: number, entryBytes: number, count: number, most: number): number[] =>
    Array.from({ length: Math.min(count, most) }, (_, index) => start + index * entryBytes);

  const sections = table(word(0, 40, 32), u16(is64 ? 58 : 46), u16(is64 ? 60 : 48), maxSections).map(
    (at): Range => ({
      name: u32(at),
      address: word(at, 16, 12),
      offset: word(at, 24, 16),
      size: word(at, 32, 20),
    }),
  );
  const segments = table(word(0, 32, 28), u16(is64 ? 54 : 42), u16(is64 ? 56 : 44), maxSegments)
    .filter((at) => u32(at) === loadType)
    .map(
      (at): Range => ({ name: 0, address: word(at, 16, 8), offset: word(at, 8, 4), size: word(at, 32, 16) }),
    );
  const names = sections[u16(is64 ? 62 : 50)];

  const section = (name: string): Buffer | undefined => {
    const wanted = Buffer.from(`${name}\0`);
    const found = sections.find((each) => {
      const at = (names?.offset ?? 0) + each.name;
      return bytes.subarray(at, at + wanted.length).equals(wanted);
    });
    if (found === undefined || found.offset + found.size > bytes.length) return undefined;
    return bytes.subarray(found.offset, found.offset + found.size);
  };
  const atAddress = (address: number, length: number): Buffer | undefined => {
    const segment = segments.find(
      (each) => address >= each.address && address + length <= each.address + each.size,
    );
    if (segment === undefined) return undefined;
    const at = segment.offset + address - segment.address;
    return at + length <= bytes.length ? bytes.subarray(at, at + length) : undefined;
  };
  return { is64, littleEndian, section, atAddress };
}
