/**
 * Orders Maven's versions (maven.apache.org/pom.html#Version_Order_Specification): it splits at `.`, at `-`, and between
 * digits and letters, which equals a `-`. Null parts (`0`, `final`, `ga`) are dropped at the end and before each `-`.
 */
import { compareNumerals, compareText, versionScheme } from './scheme.ts';

type Separator = '.' | '-';

interface Part {
  readonly separator: Separator;
  readonly text: string;
  readonly isNumber: boolean;
}

const qualifiers = ['alpha', 'beta', 'milestone', 'rc', 'snapshot', '', 'sp'];
/** These count only directly before a number. */
const shortForms = new Map([
  ['a', 'alpha'],
  ['b', 'beta'],
  ['m', 'milestone'],
]);
const sameAs = new Map([
  ['cr', 'rc'],
  ['ga', ''],
  ['final', ''],
  ['release', ''],
]);

export const maven = versionScheme<readonly Part[]>(parse, (a, b) => {
  for (let i = 0; i < a.length || i < b.length; i++) {
    const left = a[i];
    const right = b[i];
    const difference = compareParts(left ?? padding(right), right ?? padding(left));
    if (difference !== 0) return difference;
  }
  return 0;
});

function parse(text: string): readonly Part[] | undefined {
  const trimmed = text.trim().toLowerCase();
  return trimmed === '' || /\s/.test(trimmed) ? undefined : withoutNulls(split(trimmed));
}

/** An empty part between two separators counts as zero. */
function split(text: string): Part[] {
  const parts: Part[] = [];
  let separator: Separator = '.';
  let rest = text;
  for (;;) {
    const [piece = ''] = /^(?:\d+|[^\d.-]+)/.exec(rest) ?? [];
    rest = rest.slice(piece.length);
    const isNumber = piece === '' || /^\d/.test(piece);
    parts.push({ separator, isNumber, text: isNumber ? piece || '0' : qualifier(piece, /^\d/.test(rest)) });
    if (rest === '') return parts;
    separator = rest.startsWith('.') ? '.' : '-';
    if (/^[.-]/.test(rest)) rest = rest.slice(1);
  }
}

function qualifier(text: string, isBeforeNumber: boolean): string {
  const long = isBeforeNumber ? shortForms.get(text) : undefined;
  return long ?? sameAs.get(text) ?? text;
}

function withoutNulls(parts: readonly Part[]): readonly Part[] {
  const kept: Part[] = [];
  for (const part of parts) {
    if (part.separator === '-') dropNulls(kept);
    kept.push(part);
  }
  dropNulls(kept);
  return kept;
}

function dropNulls(parts: Part[]): void {
  while (isNull(parts.at(-1))) parts.pop();
}

function isNull(part: Part | undefined): boolean {
  return part !== undefined && (part.isNumber ? /^0+$/.test(part.text) : part.text === '');
}

/** The null part that stands for the missing part of the shorter version. */
function padding(other: Part | undefined): Part {
  const isNumber = other?.isNumber ?? true;
  return { separator: other?.separator ?? '.', isNumber, text: isNumber ? '0' : '' };
}

function compareParts(a: Part, b: Part): number {
  const difference = rankOf(a) - rankOf(b);
  if (difference !== 0) return difference;
  return a.isNumber ? compareNumerals(a.text, b.text) : compareQualifiers(a.text, b.text);
}

/** Qualifiers sort before `-1`, and that before `.1`. */
function rankOf(part: Part): number {
  if (!part.isNumber) return 0;
  return part.separator === '-' ? 1 : 2;
}

/** Unknown words sort after known ones. */
function compareQualifiers(a: string, b: string): number {
  const left = qualifiers.indexOf(a);
  const right = qualifiers.indexOf(b);
  if (left === -1 && right === -1) return compareText(a, b);
  if (left === -1 || right === -1) return left === -1 ? 1 : -1;
  return left - right;
}
