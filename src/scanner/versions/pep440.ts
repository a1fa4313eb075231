/**
 * Orders Python's versions (PEP 440). Versions from before that rule are older than all valid ones, and keep the order of
 * old setuptools among themselves.
 */
import { compare, valid } from '@renovatebot/pep440';
import { compareText, versionScheme } from './scheme.ts';

interface PythonVersion {
  readonly text: string;
  /** Parts of a version that breaks the rule. */
  readonly legacy?: readonly string[];
}

export const pep440 = versionScheme<PythonVersion>(parse, (a, b) => {
  if (a.legacy === undefined && b.legacy === undefined) return compare(a.text, b.text);
  if (a.legacy === undefined || b.legacy === undefined) return a.legacy === undefined ? 1 : -1;
  return compareLegacy(a.legacy, b.legacy);
});

function parse(text: string): PythonVersion | undefined {
  const trimmed = text.trim();
  if (trimmed === '') return undefined;
  return valid(trimmed) ? { text: trimmed } : { text: trimmed, legacy: legacyParts(trimmed.toLowerCase()) };
}

const replaced = new Map([
  ['pre', 'c'],
  ['preview', 'c'],
  ['-', 'final-'],
  ['rc', 'c'],
  ['dev', '@'],
]);

/** Pads numbers to the same length and puts `*` before words, so that text order is their order. */
function legacyParts(text: string): readonly string[] {
  const parts: string[] = [];
  for (const piece of [...text.split(/(\d+|[a-z]+|\.|-)/), 'final']) {
    const word = replaced.get(piece) ?? piece;
    if (word === '' || word === '.') continue;
    if (/^\d/.test(word)) parts.push(word.padStart(8, '0'));
    else pushWord(parts, `*${word}`);
  }
  return parts;
}

function pushWord(parts: string[], word: string): void {
  if (word < '*final') while (parts.at(-1) === '*final-') parts.pop();
  while (parts.at(-1) === '00000000') parts.pop();
  parts.push(word);
}

function compareLegacy(a: readonly string[], b: readonly string[]): number {
  for (let i = 0; i < a.length && i < b.length; i++) {
    const difference = compareText(a[i] ?? '', b[i] ?? '');
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}
