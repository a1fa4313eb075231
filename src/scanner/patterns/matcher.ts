/**
 * Runs a program over bytes: all ways at once, byte by byte (Pike's machine), so that the time is the length of the
 * program times that of the input at most, whatever the pattern. The match that a backtracking matcher would have
 * found first is the one that is found.
 * Source: Russ Cox, "Regular Expression Matching: the Virtual Machine Approach".
 */
import { alphanumeric, type ByteSet, type Edge, wordBytes } from './pattern.ts';
import type { Program } from './program.ts';

export interface Match {
  readonly start: number;
  readonly end: number;
  /** What it is about; all of it, unless the pattern says otherwise. */
  readonly coreStart: number;
  readonly coreEnd: number;
}

/** Where a match may begin: at both ends and between. */
interface Starts {
  readonly earliest: number;
  readonly latest: number;
}

export interface Matcher {
  /** `spend` is told of the work: about one unit for each byte and way. It may throw. */
  match(bytes: Uint8Array, starts: Starts, spend: (steps: number) => void): Match | undefined;
}

/** So far past its latest start a match may reach. */
export const reach = 4096;

interface Threads {
  count: number;
  readonly at: Int32Array;
  /** Three for each: where it began, where its core begins and ends. */
  readonly marks: Int32Array;
}

export function createMatcher(program: Program): Matcher {
  const firsts = firstBytes(program);
  let current = threadsFor(program.length);
  let next = threadsFor(program.length);
  const seen = new Float64Array(program.length);
  const stack: number[] = [];
  let generation = 0;
  let steps = 0;

  /** Follows what needs no byte, the first way first. */
  const add = (threads: Threads, bytes: Uint8Array, position: number): void => {
    while (stack.length > 0) {
      const coreEnd = stack.pop() ?? 0;
      const coreStart = stack.pop() ?? 0;
      const start = stack.pop() ?? 0;
      const at = stack.pop() ?? 0;
      if (seen[at] === generation) continue;
      seen[at] = generation;
      steps++;
      const instruction = program[at];
      if (instruction === undefined) continue;
      switch (instruction.op) {
        case 'jump':
          stack.push(instruction.to, start, coreStart, coreEnd);
          break;
        case 'split':
          stack.push(instruction.second, start, coreStart, coreEnd);
          stack.push(instruction.first, start, coreStart, coreEnd);
          break;
        case 'edge':
          if (isAtEdge(instruction.edge, bytes, position)) stack.push(at + 1, start, coreStart, coreEnd);
          break;
        case 'core':
          if (instruction.side === 'start') stack.push(at + 1, start, position, coreEnd);
          else stack.push(at + 1, start, coreStart, position);
          break;
        default: {
          const index = threads.count++;
          threads.at[index] = at;
          threads.marks[index * 3] = start;
          threads.marks[index * 3 + 1] = coreStart;
          threads.marks[index * 3 + 2] = coreEnd;
        }
      }
    }
  };

  const match: Matcher['match'] = (bytes, { earliest, latest }, spend) => {
    const end = Math.min(bytes.length, latest + reach);
    let found: Match | undefined;
    let charged = steps;
    current.count = 0;
    generation++;
    for (let position = earliest; position <= end; position++) {
      if (found === undefined && position <= latest) {
        if (firsts === undefined || firsts[bytes[position] ?? -1] === 1) {
          stack.push(0, position, -1, -1);
          add(current, bytes, position);
        } else if (current.count === 0) {
          steps++;
          continue;
        }
      } else if (current.count === 0) break;
      next.count = 0;
      generation++;
      const byte = position < end ? (bytes[position] ?? 0) : -1;
      for (let index = 0; index < current.count; index++) {
        const at = current.at[index] ?? 0;
        const instruction = program[at];
        const start = current.marks[index * 3] ?? 0;
        const coreStart = current.marks[index * 3 + 1] ?? 0;
        const coreEnd = current.marks[index * 3 + 2] ?? 0;
        if (instruction?.op === 'byte') {
          if (byte < 0 || instruction.set[byte] !== 1) continue;
          stack.push(at + 1, start, coreStart, coreEnd);
          add(next, bytes, position + 1);
        } else {
          const hasCore = coreStart >= 0 && coreEnd >= coreStart;
          found = {
            start,
            end: position,
            coreStart: hasCore ? coreStart : start,
            coreEnd: hasCore ? coreEnd : position,
          };
          break;
        }
      }
      steps += current.count;
      if (steps - charged > 4096) {
        spend(steps - charged);
        charged = steps;
      }
      [current, next] = [next, current];
    }
    spend(steps - charged);
    return found;
  };

  return { match };
}

/** What a match begins with; undefined where one may hold nothing. */
function firstBytes(program: Program): ByteSet | undefined {
  const firsts = new Uint8Array(256);
  const seen = new Set<number>();
  const ways = [0];
  for (let at = ways.pop(); at !== undefined; at = ways.pop()) {
    if (seen.has(at)) continue;
    seen.add(at);
    const instruction = program[at];
    switch (instruction?.op) {
      case 'byte':
        instruction.set.forEach((isIn, byte) => {
          if (isIn === 1) firsts[byte] = 1;
        });
        break;
      case 'jump':
        ways.push(instruction.to);
        break;
      case 'split':
        ways.push(instruction.first, instruction.second);
        break;
      case 'edge':
      case 'core':
        ways.push(at + 1);
        break;
      default:
        return undefined;
    }
  }
  return firsts;
}

function threadsFor(length: number): Threads {
  return { count: 0, at: new Int32Array(length), marks: new Int32Array(length * 3) };
}

function isAtEdge(edge: Edge, bytes: Uint8Array, position: number): boolean {
  switch (edge) {
    case 'start':
      return position === 0;
    case 'end':
      return position === bytes.length;
    case 'line-start':
      return position === 0 || bytes[position - 1] === 0x0a;
    case 'line-end':
      return position === bytes.length || bytes[position] === 0x0a || bytes[position] === 0x0d;
    case 'word':
      return isIn(wordBytes, bytes[position - 1]) !== isIn(wordBytes, bytes[position]);
    case 'not-word':
      return isIn(wordBytes, bytes[position - 1]) === isIn(wordBytes, bytes[position]);
    case 'nothing-before':
      return !isIn(alphanumeric, bytes[position - 1]);
    case 'nothing-after':
      return !isIn(alphanumeric, bytes[position]);
  }
}

function isIn(set: ByteSet, byte: number | undefined): boolean {
  return byte !== undefined && set[byte] === 1;
}
