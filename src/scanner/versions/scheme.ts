/** Common parts of all version schemes. Versions are parsed once and compared often. */
import { BoundedMap } from '../../lib/index.ts';

export interface VersionScheme {
  /** Returns a number below, at or above zero; undefined when the order is unknown. */
  compare(a: string, b: string): number | undefined;
}

/** No real version is longer. Longer ones are hostile and are not parsed. */
const longestVersion = 512;
/** Parsed versions that are kept, some 10 MB. */
const rememberedVersions = 50_000;

/** `parse` returns undefined for text that is not a version, `compare` for two versions without a known order. */
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

/** Compares code units, as C's `strcmp` does for ASCII. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function withoutZeros(digits: string): string {
  let start = 0;
  while (start < digits.length - 1 && digits.charCodeAt(start) === 0x30) start++;
  return start === 0 ? digits : digits.slice(start);
}
