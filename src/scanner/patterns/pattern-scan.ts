/**
 * Searches bytes for many patterns in one pass. The matcher runs only near atoms. Bytes may come in pieces; a match that
 * spans pieces is found.
 */
import { scannerFault } from '../faults.ts';
import { openRollingBytes } from '../rolling-bytes.ts';
import { type Atom, atomsOf, fitsAround } from './atoms.ts';
import { createLiteralFinder, type LiteralFinder } from './literal-finder.ts';
import { createMatcher, type Match, type Matcher, reach } from './matcher.ts';
import type { Pattern } from './pattern.ts';
import { compile, type Program } from './program.ts';

export interface PatternSet {
  readonly finder: LiteralFinder;
  readonly patterns: number;
  /** Created when it is first needed, since most never are. */
  matcherOf(pattern: number): Matcher | undefined;
  /** For each literal of the finder, the patterns that it may belong to. */
  readonly uses: readonly (readonly Use[])[];
}

interface Use {
  readonly pattern: number;
  readonly atom: Atom;
}

/** A match, with the bytes around it. */
export interface Found {
  readonly pattern: number;
  /** Valid only during the call of `found`. */
  readonly bytes: Buffer;
  readonly match: Match;
  /** Offset of `bytes` in the whole content. */
  readonly base: number;
}

export interface PatternScan {
  push(bytes: Buffer): void;
  end(): void;
}

export interface PatternSink {
  /** Returns false when matches of this pattern are not needed, or no longer. */
  wants(pattern: number): boolean;
  found(found: Found): void;
}

/** Bytes to keep before a match, for its edges and for sinks that read its surroundings. */
const before = 1024;
const after = reach + 1024;
/**
 * Steps of matching that each file may take, besides `stepsPerByte`. The most costly known real file, a list of media
 * types, takes a third of them. All of them take half a second.
 */
const fileSteps = 16_000_000;
const stepsPerByte = 2;
/** For content that is scanned in the serving thread: a tenth of a second. */
export const momentSteps = 4_000_000;

/** @throws Fault RULES_INVALID when a pattern has no atoms or is too large */
export function createPatternSet(patterns: readonly Pattern[]): PatternSet {
  const literals: Uint8Array[] = [];
  const uses: Use[][] = [];
  const indices = new Map<string, number>();
  const programs = patterns.map((pattern, index) => {
    const { program, atoms } = prepare(pattern);
    for (const atom of atoms) {
      const key = Buffer.from(atom.bytes).toString('latin1');
      let literal = indices.get(key);
      if (literal === undefined) {
        literal = literals.push(atom.bytes) - 1;
        indices.set(key, literal);
        uses.push([]);
      }
      uses[literal]?.push({ pattern: index, atom });
    }
    return program;
  });
  const matchers: Matcher[] = [];
  return {
    finder: createLiteralFinder(literals),
    patterns: patterns.length,
    matcherOf: (pattern) => {
      const program = programs[pattern];
      if (program !== undefined) matchers[pattern] ??= createMatcher(program);
      return matchers[pattern];
    },
    uses,
  };
}

interface Prepared {
  readonly program: Program;
  readonly atoms: readonly Atom[];
}

/** Cached, because a pattern is prepared when its rule is read, and again for each set that contains it. */
const prepared = new WeakMap<Pattern, Prepared>();

function prepare(pattern: Pattern): Prepared {
  const known = prepared.get(pattern);
  if (known !== undefined) return known;
  const program = compile(pattern);
  const atoms = atomsOf(pattern);
  if (atoms !== undefined) {
    const made = { program, atoms };
    prepared.set(pattern, made);
    return made;
  }
  throw scannerFault(
    'RULES_INVALID',
    'a pattern has no four bytes in a row that every match contains, so it would be tried everywhere',
  );
}

/** @throws Fault RULES_INVALID when the pattern has no atoms or is too large */
export function requireAtoms(pattern: Pattern): void {
  prepare(pattern);
}

/** The steps of matching that are left. */
export interface MatchBudget {
  steps: number;
}

export function openBudget(steps = fileSteps): MatchBudget {
  return { steps };
}

/**
 * Scans all bytes at once, without a copy.
 * @param budget may be shared, for many small texts of one author
 * @throws Fault SCAN_TOO_COSTLY
 */
export function scanBytes(set: PatternSet, bytes: Buffer, sink: PatternSink, budget = openBudget()): void {
  createLook(set, sink, budget)(bytes, 0, bytes.length, 0);
}

/** Scans piece by piece. A piece may change after `push` returns. `push` and `end` throw as `scanBytes` does. */
export function openPatternScan(set: PatternSet, sink: PatternSink): PatternScan {
  const look = createLook(set, sink, openBudget());
  const rolling = openRollingBytes();
  let held: Buffer = Buffer.alloc(0);
  let base = 0;
  /** Atoms that begin before this offset are done. */
  let done = 0;
  return {
    push: (piece) => {
      held = rolling.add(piece);
      const to = held.length - after;
      if (to <= done) return;
      look(held, done, to, base);
      const dropped = Math.max(0, to - before);
      rolling.drop(dropped);
      held = held.subarray(dropped);
      base += dropped;
      done = to - dropped;
    },
    end: () => look(held, done, held.length, base),
  };
}

type Look = (bytes: Buffer, from: number, to: number, base: number) => void;

function createLook(set: PatternSet, sink: PatternSink, budget: MatchBudget): Look {
  /** Allocated at the first match, since most files have none. */
  let nextStart: Float64Array | undefined;

  const spend = (steps: number): void => {
    budget.steps -= steps;
    if (budget.steps < 0)
      throw scannerFault(
        'SCAN_TOO_COSTLY',
        `more than ${fileSteps / 1_000_000} million steps of matching: too much of it resembles what rules look for`,
      );
  };

  const tryUse = (bytes: Buffer, base: number, { pattern, atom }: Use, at: number): void => {
    if (!sink.wants(pattern)) return;
    const earliest = Math.max(at - atom.maxOffset, (nextStart?.[pattern] ?? 0) - base, 0);
    const latest = at - atom.minOffset;
    spend(4);
    if (earliest > latest || !fitsAround(atom, bytes, at)) return;
    const match = set.matcherOf(pattern)?.match(bytes, { earliest, latest }, spend);
    if (match === undefined) return;
    nextStart ??= new Float64Array(set.patterns);
    nextStart[pattern] = base + Math.max(match.end, match.start + 1);
    sink.found({ pattern, bytes, match, base });
  };

  return (bytes, from, to, base) => {
    budget.steps += (to - from) * stepsPerByte;
    set.finder.find(bytes, from, to, (literal, at) => {
      for (const use of set.uses[literal] ?? []) tryUse(bytes, base, use, at);
    });
  };
}
