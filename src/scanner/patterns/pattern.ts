/**
 * The tree of a pattern of bytes. Regular expressions and the text and hex strings of YARA rules are parsed to it. It has
 * no back-references and no lookaround, so that matching takes linear time.
 */

/** 256 entries; 1 for each byte in the set. */
export type ByteSet = Readonly<Uint8Array>;

export type Edge =
  | 'start'
  | 'end'
  | 'line-start'
  | 'line-end'
  | 'word'
  | 'not-word'
  /** No letter or digit before the place. */
  | 'nothing-before'
  | 'nothing-after';

export type Pattern =
  /** One byte of a set. */
  | { readonly kind: 'byte'; readonly set: ByteSet }
  | { readonly kind: 'sequence'; readonly parts: readonly Pattern[] }
  | { readonly kind: 'choice'; readonly options: readonly Pattern[] }
  | {
      readonly kind: 'repeat';
      readonly part: Pattern;
      readonly min: number;
      /** Infinity for no limit. */
      readonly max: number;
      readonly lazy: boolean;
    }
  /** The part of a match that counts, such as the secret itself. */
  | { readonly kind: 'core'; readonly part: Pattern }
  | { readonly kind: 'edge'; readonly edge: Edge };

export function setOf(...bytes: readonly number[]): ByteSet {
  const set = new Uint8Array(256);
  for (const byte of bytes) set[byte] = 1;
  return set;
}

export function setOfRange(from: number, to: number): ByteSet {
  return new Uint8Array(256).fill(1, from, to + 1);
}

export function unionOf(sets: readonly ByteSet[]): ByteSet {
  return new Uint8Array(256).map((_, byte) => (sets.some((set) => set[byte] === 1) ? 1 : 0));
}

export function complementOf(set: ByteSet): ByteSet {
  return set.map((member) => 1 - member);
}

/** Adds the other case of each letter. */
export function caselessOf(set: ByteSet): ByteSet {
  return set.map((member, byte) => {
    const other = isLetter(byte) ? (set[byte ^ 0x20] ?? 0) : 0;
    return member | other;
  });
}

export const anyByte: ByteSet = setOfRange(0, 255);
export const digits: ByteSet = setOfRange(0x30, 0x39);
export const alphanumeric: ByteSet = unionOf([digits, setOfRange(0x41, 0x5a), setOfRange(0x61, 0x7a)]);
export const wordBytes: ByteSet = unionOf([alphanumeric, setOf(0x5f)]);
export const blanks: ByteSet = setOf(0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x20);

/** Shared, because texts have thousands of bytes. */
const single: readonly Pattern[] = Array.from({ length: 256 }, (_, byte) => ({
  kind: 'byte',
  set: setOf(byte),
}));
const singleCaseless: readonly Pattern[] = Array.from({ length: 256 }, (_, byte) => ({
  kind: 'byte',
  set: caselessOf(setOf(byte)),
}));

export function bytesPattern(bytes: Uint8Array, caseless: boolean): Pattern {
  const known = caseless ? singleCaseless : single;
  return { kind: 'sequence', parts: Array.from(bytes).flatMap((byte) => known[byte] ?? []) };
}

/** Makes a set of a choice between single bytes. */
export function choiceOf(options: readonly Pattern[]): Pattern {
  const [only] = options;
  if (options.length === 1 && only !== undefined) return only;
  const sets = options.flatMap((option) => {
    const byte = option.kind === 'sequence' && option.parts.length === 1 ? option.parts[0] : option;
    return byte?.kind === 'byte' ? [byte.set] : [];
  });
  return sets.length === options.length ? { kind: 'byte', set: unionOf(sets) } : { kind: 'choice', options };
}

/** The shortest and the longest length of a match, in bytes. */
export function lengthOf(pattern: Pattern): { readonly min: number; readonly max: number } {
  switch (pattern.kind) {
    case 'byte':
      return { min: 1, max: 1 };
    case 'edge':
      return { min: 0, max: 0 };
    case 'core':
      return lengthOf(pattern.part);
    case 'sequence': {
      const lengths = pattern.parts.map(lengthOf);
      return { min: sum(lengths.map(({ min }) => min)), max: sum(lengths.map(({ max }) => max)) };
    }
    case 'choice': {
      const lengths = pattern.options.map(lengthOf);
      return {
        min: Math.min(...lengths.map(({ min }) => min)),
        max: Math.max(...lengths.map(({ max }) => max)),
      };
    }
    case 'repeat': {
      const { min, max } = lengthOf(pattern.part);
      return { min: min * pattern.min, max: max === 0 ? 0 : max * pattern.max };
    }
  }
}

function isLetter(byte: number): boolean {
  return (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
