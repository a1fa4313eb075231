/**
 * Finds short fixed strings ("atoms") of a pattern, one of which every match contains. The matcher skips bytes without any
 * of them. Of all possible sets, it chooses the one that is likely to be the rarest.
 */
import { type ByteSet, lengthOf, type Pattern } from './pattern.ts';

export interface Atom {
  /** In lower case, because the search for atoms ignores case. */
  readonly bytes: Uint8Array;
  /** The least distance from the start of the match. */
  readonly minOffset: number;
  readonly maxOffset: number;
  /** The possible bytes around it in every match, beginning `before` bytes in front of it. */
  readonly around: readonly ByteSet[];
  readonly before: number;
}

/** Whether the bytes around an atom at this offset allow a match. */
export function fitsAround({ around, before }: Atom, bytes: Uint8Array, at: number): boolean {
  for (let index = 0; index < around.length; index++) {
    if (around[index]?.[bytes[at - before + index] ?? -1] !== 1) return false;
  }
  return true;
}

/** Shorter ones are too common to be useful. */
export const shortestAtom = 4;
const longestAtom = 8;
/** The limit for `around` on each side of the atom. */
const mostAround = 16;
/** The most atoms for one pattern. */
const maxAtoms = 64;
/** The limit for the range of an atom's offset. The matcher tries as many starts for each place of the atom. */
const maxStarts = 1024;
/** Rounds of a repetition that are visited one by one. */
const maxWritten = 16;

interface Candidate {
  readonly atoms: readonly Atom[];
  readonly score: number;
}

interface Offset {
  readonly min: number;
  readonly max: number;
}

/** The state of a walk over the pattern. */
interface Walk {
  /** The possible bytes directly before `at`, since the last gap. */
  run: ByteSet[];
  runStart: Offset;
  at: Offset;
  best: Candidate | undefined;
}

/** Undefined when the pattern has no atoms. */
export function atomsOf(pattern: Pattern): readonly Atom[] | undefined {
  return bestOf(pattern, { min: 0, max: 0 })?.atoms;
}

/** The information of a byte, in bits: more for bytes that are rare in programs and text. */
export function rarityOf(byte: number): number {
  return rarities[byte] ?? 0;
}

const rarities: readonly number[] = Array.from({ length: 256 }, (_, byte) => {
  if (byte === 0) return 1;
  if (byte === 0x20 || byte === 0xff) return 3;
  const char = String.fromCharCode(byte).toLowerCase();
  if ('etaoinsrhldcu'.includes(char)) return 4;
  if (/[a-z0-9_./-]/.test(char)) return 5.5;
  return 7;
});

function bestOf(pattern: Pattern, offset: Offset): Candidate | undefined {
  const walk: Walk = { run: [], runStart: offset, at: offset, best: undefined };
  visit(pattern, walk);
  endRun(walk);
  return walk.best;
}

function visit(pattern: Pattern, walk: Walk): void {
  switch (pattern.kind) {
    case 'byte':
      if (walk.run.length === 0) walk.runStart = walk.at;
      walk.run.push(pattern.set);
      walk.at = { min: walk.at.min + 1, max: walk.at.max + 1 };
      return;
    case 'edge':
      return;
    case 'core':
      visit(pattern.part, walk);
      return;
    case 'sequence':
      visitSequence(pattern.parts, walk);
      return;
    case 'choice':
      visitChoice(pattern.options, [], walk);
      return;
    case 'repeat':
      visitRepeat(pattern, walk);
  }
}

function visitSequence(parts: readonly Pattern[], walk: Walk): void {
  for (const [index, part] of parts.entries()) {
    if (part.kind === 'choice') visitChoice(part.options, bytesAtStart(parts.slice(index + 1)), walk);
    else visit(part, walk);
  }
}

function bytesAtStart(parts: readonly Pattern[]): readonly Pattern[] {
  const bytes = parts.map(onlyByte);
  const other = bytes.indexOf(undefined);
  const isAll = other === -1 || other > longestAtom;
  return bytes.slice(0, isAll ? longestAtom : other).filter((byte) => byte !== undefined);
}

/** Returns a byte, or the byte of a sequence of one. */
function onlyByte(pattern: Pattern): Pattern | undefined {
  if (pattern.kind === 'byte') return pattern;
  const [only, ...others] = pattern.kind === 'sequence' ? pattern.parts : [];
  return only?.kind === 'byte' && others.length === 0 ? only : undefined;
}

/** @param next bytes directly after the choice, which extend each option's strings */
function visitChoice(options: readonly Pattern[], next: readonly Pattern[], walk: Walk): void {
  // The bytes directly before the choice extend each option's strings.
  const tail = walk.run.slice(1 - shortestAtom).map((set): Pattern => ({ kind: 'byte', set }));
  const offset = { min: walk.at.min - tail.length, max: walk.at.max - tail.length };
  endRun(walk);
  const found = options.map((option) =>
    bestOf({ kind: 'sequence', parts: [...tail, option, ...next] }, offset),
  );
  const known = found.filter((candidate) => candidate !== undefined);
  if (known.length === options.length) {
    const score = Math.min(...known.map((candidate) => candidate.score)) - Math.log2(known.length);
    consider(walk, { atoms: known.flatMap(({ atoms }) => atoms), score });
  }
  skip(walk, { kind: 'choice', options });
}

function visitRepeat(pattern: Extract<Pattern, { kind: 'repeat' }>, walk: Walk): void {
  const written = Math.min(pattern.min, maxWritten);
  for (let count = 0; count < written; count++) visit(pattern.part, walk);
  if (pattern.max === written) return;
  endRun(walk);
  skip(walk, { ...pattern, min: pattern.min - written, max: pattern.max - written });
}

function skip(walk: Walk, pattern: Pattern): void {
  const length = lengthOf(pattern);
  walk.at = { min: walk.at.min + length.min, max: walk.at.max + length.max };
}

/** Considers the best window of the run, and begins another run. */
function endRun(walk: Walk): void {
  const { run, runStart } = walk;
  walk.run = [];
  const folded = run.map(foldedMembers);
  const cost = widthCost(runStart);
  let best: { readonly from: number; readonly to: number; readonly score: number } | undefined;
  for (let from = 0; from + shortestAtom <= run.length; from++) {
    for (const { to, score } of windowsFrom(folded, from)) {
      if (best === undefined || score - cost > best.score) best = { from, to, score: score - cost };
    }
  }
  if (best === undefined) return;
  const offset = { min: runStart.min + best.from, max: runStart.max + best.from };
  const before = Math.min(best.from, mostAround);
  const around = run.slice(best.from - before, best.to + mostAround);
  const atoms = atomsFrom(folded.slice(best.from, best.to), offset, { around, before });
  consider(walk, { atoms, score: best.score });
}

/** Yields windows that are long enough and have few variants, with their information in bits. */
function* windowsFrom(
  folded: readonly (readonly number[])[],
  from: number,
): Generator<{ readonly to: number; readonly score: number }> {
  let variants = 1;
  let score = 0;
  for (let at = from; at < Math.min(folded.length, from + longestAtom); at++) {
    const members = folded[at] ?? [];
    // A window grows beyond the shortest length only if that adds no variants.
    if (at - from >= shortestAtom && members.length > 1) return;
    variants *= members.length;
    if (variants === 0 || variants > maxAtoms) return;
    score += Math.min(...members.map(rarityOf)) - Math.log2(members.length);
    if (at - from + 1 >= shortestAtom) yield { to: at + 1, score };
  }
}

function consider(walk: Walk, candidate: Candidate): void {
  const isUsable =
    candidate.atoms.length <= maxAtoms &&
    candidate.atoms.every(({ minOffset, maxOffset }) => maxOffset - minOffset < maxStarts);
  if (isUsable && (walk.best === undefined || candidate.score > walk.best.score)) walk.best = candidate;
}

function widthCost({ min, max }: Offset): number {
  return Math.log2(1 + max - min);
}

function atomsFrom(
  run: readonly (readonly number[])[],
  offset: Offset,
  surroundings: Pick<Atom, 'around' | 'before'>,
): Atom[] {
  let strings: number[][] = [[]];
  for (const members of run) strings = strings.flatMap((string) => members.map((byte) => [...string, byte]));
  return strings.map((string) => ({
    bytes: Uint8Array.from(string),
    minOffset: offset.min,
    maxOffset: offset.max,
    ...surroundings,
  }));
}

/** Cached, because one set often occurs at many places. */
const foldedSets = new WeakMap<ByteSet, readonly number[]>();

function foldedMembers(set: ByteSet): readonly number[] {
  const known = foldedSets.get(set);
  if (known !== undefined) return known;
  const members = new Set<number>();
  for (let byte = 0; byte < 256; byte++) if (set[byte] === 1) members.add(foldByte(byte));
  const list = [...members];
  foldedSets.set(set, list);
  return list;
}

export function foldByte(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte;
}
