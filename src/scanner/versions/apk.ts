/**
 * Orders versions of Alpine's packages: `digits{.digits}…{letter}{_suffix{n}}…{~hash}{-r n}` (apk-tools, `src/version.c`).
 * If a version leaves the grammar, the valid part before still counts: `1.8.31p1` is newer than `1.8.31`. Two that leave it
 * at the same place are then compared like Debian's.
 */
import { dpkg } from './dpkg.ts';
import { compareNumerals, compareText, versionScheme } from './scheme.ts';

/** Numbered in the order in which parts may follow each other. */
const kinds = {
  first: 0,
  digits: 1,
  letter: 2,
  suffix: 3,
  suffixNumber: 4,
  hash: 5,
  revision: 6,
  end: 7,
  invalid: 8,
};

interface Part {
  readonly kind: number;
  readonly text: string;
}

const preSuffixes = ['alpha', 'beta', 'pre', 'rc'];
const suffixes = [...preSuffixes, '', 'cvs', 'svn', 'git', 'hg', 'p'];
const end: Part = { kind: kinds.end, text: '' };

export const apk = versionScheme<readonly Part[]>(parse, (a, b) => {
  for (let i = 0; ; i++) {
    const left = a[i] ?? end;
    const right = b[i] ?? end;
    if (left.kind !== right.kind) return compareKinds(left, right);
    if (left.kind === kinds.end) return 0;
    if (left.kind === kinds.invalid) return dpkg.compare(left.text, right.text);
    const difference = compareParts(left, right);
    if (difference !== 0) return difference;
  }
});

const grammar =
  /^(\d+)((?:\.\d+)*)([a-z]?)((?:_(?:alpha|beta|pre|rc|cvs|svn|git|hg|p)\d*)*)(?:~([0-9a-f]+))?(?:-r(\d*))?/;

function parse(text: string): readonly Part[] | undefined {
  const match = grammar.exec(text);
  if (match === null) return undefined;
  const [whole, first = '', dotted = '', letter = '', tail = '', hash, revision] = match;
  const parts: Part[] = [{ kind: kinds.first, text: first }];
  for (const digits of dotted.split('.').slice(1)) parts.push({ kind: kinds.digits, text: digits });
  if (letter !== '') parts.push({ kind: kinds.letter, text: letter });
  for (const [, name = '', number = ''] of tail.matchAll(/_([a-z]+)(\d*)/g)) {
    parts.push({ kind: kinds.suffix, text: name });
    if (number !== '') parts.push({ kind: kinds.suffixNumber, text: number });
  }
  if (hash !== undefined) parts.push({ kind: kinds.hash, text: hash });
  if (revision !== undefined) parts.push({ kind: kinds.revision, text: revision || '0' });
  if (whole.length < text.length) parts.push({ kind: kinds.invalid, text: text.slice(whole.length) });
  return parts;
}

function compareParts(a: Part, b: Part): number {
  switch (a.kind) {
    case kinds.suffix:
      return suffixes.indexOf(a.text) - suffixes.indexOf(b.text);
    case kinds.letter:
    case kinds.hash:
      return compareText(a.text, b.text);
    case kinds.digits:
      // With a leading zero they are digits of a fraction.
      return a.text.startsWith('0') || b.text.startsWith('0')
        ? compareText(a.text, b.text)
        : compareNumerals(a.text, b.text);
    default:
      return compareNumerals(a.text, b.text);
  }
}

/** The longer version is newer, unless it goes on with a pre-release suffix. */
function compareKinds(a: Part, b: Part): number | undefined {
  if (a.kind === kinds.invalid || b.kind === kinds.invalid) return undefined;
  if (isPreSuffix(a)) return -1;
  if (isPreSuffix(b)) return 1;
  return b.kind - a.kind;
}

function isPreSuffix(part: Part): boolean {
  return part.kind === kinds.suffix && preSuffixes.includes(part.text);
}
