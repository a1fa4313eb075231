/** What all kinds of versions have in common: read once, compared often, and perhaps not comparable at all. */
import { BoundedMap } from '../../lib/index.ts';

export interface VersionScheme {
  /** Below, at or above zero; undefined when nobody knows. */
  compare(a: string, b: string): number | undefined;
}

/** Nobody's version is longer. What is hostile is not read. */
const longestVersion = 512;
/** Versions that stay read; some 10 MB. */
const rememberedVersions = 50_000;

/** `parse` answers undefined for what is not a version of its kind, `compare` for two whose order nobody knows. */
export function versionScheme<Parsed>(
  parse: (text: string) => Parsed | undefined,
  compare: (a: Parsed, b: Parsed) => number | undefined,
): VersionScheme {
  const known = new BoundedMap<string, Parsed | undefined>(rememberedVersions);
  const read = (text: string): Parsed | undefined => {
    const found = known.get(text);
    if (found !== undefined || known.has(text)) return found;
    const parsed = text.length > longestVersion ? undefined : parse(text);
    known.set(text, parsed);
    return parsed;
  };
  return {
    compare(a, b) {
      if (a === b) return 0;
      const left = read(a);
      const right = left === undefined ? undefined : read(b);
      return left === undefined || right === undefined ? undefined : compare(left, right);
    },
  };
}

/** Compares runs of decimal digits of any length as numbers. */
export function compareNumerals(a: string, b: string): number {
  const left = withoutZeros(a);
  const right = withoutZeros(b);
  return left.length - right.length || compareText(left, right);
}

/** By code unit, as C's `strcmp` does for ASCII. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function withoutZeros(digits: string): string {
  let start = 0;
  while (start < digits.length - 1 && digits.charCodeAt(start) === 0x30) start++;
  return start === 0 ? digits : digits.slice(start);
}
