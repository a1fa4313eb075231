/**
 * Orders RubyGems' versions (`Gem::Version`): numbers and words in turns, where a word marks a pre-release. Zeros at the
 * end and before the first word don't count.
 */
import { compareNumerals, compareText, versionScheme } from './scheme.ts';

export const gem = versionScheme<readonly string[]>(parse, (a, b) => {
  for (let i = 0; i < a.length || i < b.length; i++) {
    const difference = compareSegments(a[i] ?? '0', b[i] ?? '0');
    if (difference !== 0) return difference;
  }
  return 0;
});

function parse(text: string): readonly string[] | undefined {
  const trimmed = text.trim() || '0';
  if (!/^[0-9][0-9a-z.-]*$/i.test(trimmed)) return undefined;
  const all = trimmed.replaceAll('-', '.pre.').match(/[0-9]+|[a-z]+/gi) ?? [];
  const word = all.findIndex(isWord);
  const release = word === -1 ? all : all.slice(0, word);
  return [...withoutZeros(release), ...withoutZeros(all.slice(release.length))];
}

function withoutZeros(segments: readonly string[]): readonly string[] {
  const last = segments.findLastIndex((segment) => !/^0+$/.test(segment));
  return segments.slice(0, last + 1);
}

/** Words sort before numbers. */
function compareSegments(a: string, b: string): number {
  const leftIsWord = isWord(a);
  if (leftIsWord !== isWord(b)) return leftIsWord ? -1 : 1;
  return leftIsWord ? compareText(a, b) : compareNumerals(a, b);
}

function isWord(segment: string): boolean {
  return !/^\d/.test(segment);
}
