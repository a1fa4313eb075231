/**
 * Orders semantic versions (semver.org, §11) of npm and Cargo, parsed leniently: any number of numeric parts (missing ones
 * are 0), numbers of any length, a leading `v` or `=`, a pre-release without its dash. Build metadata doesn't count.
 *
 * One order covers valid and other versions. A library that throws for the others would need a second order beside it.
 */
import { compareNumerals, compareText, versionScheme } from './scheme.ts';

export interface SemanticVersion {
  readonly numbers: readonly string[];
  /** Empty for a release. */
  readonly pre: readonly string[];
}

export const semver = versionScheme<SemanticVersion>(parseSemantic, compareSemantic);

export function parseSemantic(text: string): SemanticVersion | undefined {
  const match = /^[\s=v]*(\d+(?:\.\d+)*)(?:[.-]?([0-9A-Za-z-][0-9A-Za-z.-]*))?(?:\+.*)?$/i.exec(text.trim());
  if (match === null) return undefined;
  const [, numbers = '', pre] = match;
  return { numbers: numbers.split('.'), pre: pre === undefined ? [] : pre.split('.') };
}

export function compareSemantic(a: SemanticVersion, b: SemanticVersion): number {
  for (let i = 0; i < a.numbers.length || i < b.numbers.length; i++) {
    const difference = compareNumerals(a.numbers[i] ?? '0', b.numbers[i] ?? '0');
    if (difference !== 0) return difference;
  }
  if (a.pre.length === 0 || b.pre.length === 0)
    return Number(a.pre.length === 0) - Number(b.pre.length === 0);
  return comparePre(a.pre, b.pre);
}

function comparePre(a: readonly string[], b: readonly string[]): number {
  for (let i = 0; i < a.length && i < b.length; i++) {
    const difference = compareIdentifiers(a[i] ?? '', b[i] ?? '');
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** Numbers sort before words. */
function compareIdentifiers(a: string, b: string): number {
  const leftIsNumber = /^\d+$/.test(a);
  const rightIsNumber = /^\d+$/.test(b);
  if (leftIsNumber !== rightIsNumber) return leftIsNumber ? -1 : 1;
  return leftIsNumber ? compareNumerals(a, b) : compareText(a, b);
}
