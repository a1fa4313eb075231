/**
 * Orders versions of rpm's packages: `[epoch:]version[-release]` (rpm, `rpmio/rpmvercmp.cc`). A missing epoch is 0.
 * Releases count only if both sides have one.
 */
import { compareNumerals, compareText, versionScheme } from './scheme.ts';

interface RpmVersion {
  readonly epoch: string;
  readonly version: readonly string[];
  readonly release: readonly string[] | undefined;
}

export const rpm = versionScheme<RpmVersion>(parse, (a, b) => {
  const difference = compareNumerals(a.epoch, b.epoch) || compareSegments(a.version, b.version);
  if (difference !== 0 || a.release === undefined || b.release === undefined) return difference;
  return compareSegments(a.release, b.release);
});

function parse(text: string): RpmVersion | undefined {
  const match = /^(?:(\d*):)?([^-:\s]+)(?:-([^-:\s]+))?$/.exec(text.trim());
  if (match === null) return undefined;
  const [, epoch, version = '', release] = match;
  return {
    epoch: epoch || '0',
    version: segments(version),
    release: release === undefined ? undefined : segments(release),
  };
}

/** Returns runs of digits, runs of letters, and each `~` and `^`. Everything else only separates. */
function segments(text: string): readonly string[] {
  return text.match(/\d+|[A-Za-z]+|[~^]/g) ?? [];
}

function compareSegments(a: readonly string[], b: readonly string[]): number {
  for (let i = 0; i < a.length || i < b.length; i++) {
    const left = a[i];
    const right = b[i];
    if (left === right) continue;
    // `~` sorts before the end.
    if (left === '~') return -1;
    if (right === '~') return 1;
    // `^` sorts after the end and before anything else.
    if (left === '^') return right === undefined ? 1 : -1;
    if (right === '^') return left === undefined ? -1 : 1;
    if (left === undefined) return -1;
    if (right === undefined) return 1;
    const difference = compareSegment(left, right);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Digits sort after letters. */
function compareSegment(a: string, b: string): number {
  const leftIsNumber = isNumber(a);
  if (leftIsNumber !== isNumber(b)) return leftIsNumber ? 1 : -1;
  return leftIsNumber ? compareNumerals(a, b) : compareText(a, b);
}

function isNumber(segment: string): boolean {
  const code = segment.charCodeAt(0);
  return code >= 0x30 && code <= 0x39;
}
