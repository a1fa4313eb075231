/**
 * Runs a program over bytes, with all threads in step (Pike's virtual machine), so that the time is at most the length
 * of the program times that of the input, for every pattern. It finds the match that a backtracking matcher would find
 * first.
 * Source: Russ Cox, "Regular Expression Matching: the Virtual Machine Approach".
 */
import { alphanumeric, type ByteSet, type Edge, wordBytes } from './pattern.ts';
import type { Program } from './program.ts';

export interface Match {
  readonly start: number;
  readonly end: number;
  /** The core of the match; the whole match if the pattern has no core. */
  readonly coreStart: number;
  readonly coreEnd: number;
}

/** The range in which a match may begin; both ends count. */
interface Starts {
  readonly earliest: number;
  readonly latest: number;
}

export interface Matcher {
  /** Calls `spend` with the work: about one unit for each byte and thread. It may throw. */
  match(bytes: Uint8Array, starts: Starts, spend: (steps: number) => void): Match | undefined;
}

/** Most bytes of a match after its latest start. */
export const reach = 4096;

interface Threads {
  count: number;
  readonly at: Int32Array;
  /** Three for each thread: the start of the match, the start and the end of its core. */
  readonly marks: Int32Array;
}

export function createMatcher(program: Program): Matcher {
  return new Machine(program);
}

class Machine implements Matcher {
  readonly #program: Program;
  readonly #firsts: ByteSet | undefined;
  /** For each instruction, the last generation that visited it. */
  readonly #seen: Float64Array;
  readonly #stack: number[] = [];
  #current: Threads;
  #next: Threads;
  #generation = 0;
  #steps = 0;

  constructor(program: Program) {
    this.#program = program;
    this.#firsts = firstBytes(program);
    this.#seen = new Float64Array(program.length);
    this.#current = threadsFor(program.length);
    this.#next = threadsFor(program.length);
  }

  match(bytes: Uint8Array, { earliest, latest }: Starts, spend: (steps: number) => void): Match | undefined {
    const end = Math.min(bytes.length, latest + reach);
    let found: Match | undefined;
    let charged = this.#steps;
    this.#current.count = 0;
    this.#generation++;
    for (let position = earliest; position <= end; position++) {
      if (found === undefined && position <= latest) {
        if (this.#firsts === undefined || this.#firsts[bytes[position] ?? -1] === 1) {
          this.#stack.push(0, position, -1, -1);
          this.#follow(this.#current, bytes, position);
        } else if (this.#current.count === 0) {
          this.#steps++;
          continue;
        }
      } else if (this.#current.count === 0) break;
      found = this.#advance(bytes, position, end) ?? found;
      if (this.#steps - charged > 4096) {
        spend(this.#steps - charged);
        charged = this.#steps;
      }
    }
    spend(this.#steps - charged);
    return found;
  }

  /** Advances all threads by one byte in order of priority, up to one that has matched. */
  #advance(bytes: Uint8Array, position: number, end: number): Match | undefined {
    const { at: places, marks, count } = this.#current;
    const program = this.#program;
    const stack = this.#stack;
    const next = this.#next;
    const byte = position < end ? (bytes[position] ?? 0) : -1;
    let found: Match | undefined;
    next.count = 0;
    this.#generation++;
    for (let index = 0; index < count; index++) {
      const at = places[index] ?? 0;
      const instruction = program[at];
      const start = marks[index * 3] ?? 0;
      const coreStart = marks[index * 3 + 1] ?? 0;
      const coreEnd = marks[index * 3 + 2] ?? 0;
      if (instruction?.op !== 'byte') {
        found = matchOf(start, position, coreStart, coreEnd);
        break;
      }
      if (byte < 0 || instruction.set[byte] !== 1) continue;
      stack.push(at + 1, start, coreStart, coreEnd);
      this.#follow(next, bytes, position + 1);
    }
    this.#steps += count;
    this.#next = this.#current;
    this.#current = next;
    return found;
  }

  /** Follows instructions that take no byte, in order of priority. */
  #follow(threads: Threads, bytes: Uint8Array, position: number): void {
    // Local copies are faster, and most of the time goes to this loop.
    const program = this.#program;
    const stack = this.#stack;
    const seen = this.#seen;
    const generation = this.#generation;
    while (stack.length > 0) {
      const coreEnd = stack.pop() ?? 0;
      const coreStart = stack.pop() ?? 0;
      const start = stack.pop() ?? 0;
      const at = stack.pop() ?? 0;
      if (seen[at] === generation) continue;
      seen[at] = generation;
      this.#steps++;
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
        default:
          addThread(threads, at, start, coreStart, coreEnd);
      }
    }
  }
}

function addThread(threads: Threads, at: number, start: number, coreStart: number, coreEnd: number): void {
  const index = threads.count++;
  threads.at[index] = at;
  threads.marks[index * 3] = start;
  threads.marks[index * 3 + 1] = coreStart;
  threads.marks[index * 3 + 2] = coreEnd;
}

function matchOf(start: number, end: number, coreStart: number, coreEnd: number): Match {
  const hasCore = coreStart >= 0 && coreEnd >= coreStart;
  return { start, end, coreStart: hasCore ? coreStart : start, coreEnd: hasCore ? coreEnd : end };
}

/** The possible first bytes of a match; undefined when a match may be empty. */
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
