/** Compiles a pattern to a program for the matcher: Thompson's construction, with repetitions unrolled. */
import { scannerFault } from '../faults.ts';
import type { ByteSet, Edge, Pattern } from './pattern.ts';

type Instruction =
  | { readonly op: 'byte'; readonly set: ByteSet }
  /** Continues at both, the first with priority. */
  | { readonly op: 'split'; readonly first: number; readonly second: number }
  | { readonly op: 'jump'; readonly to: number }
  | { readonly op: 'edge'; readonly edge: Edge }
  | { readonly op: 'core'; readonly side: 'start' | 'end' }
  | { readonly op: 'match' };

export type Program = readonly Instruction[];

/** Also limits the work for one byte of input. */
const maxInstructions = 4000;

/** @throws Fault RULES_INVALID when the pattern is too large */
export function compile(pattern: Pattern): Program {
  const program: Instruction[] = [];

  const emit = (instruction: Instruction): number => {
    if (program.length >= maxInstructions) {
      throw scannerFault('RULES_INVALID', `a pattern needs more than ${maxInstructions} steps`);
    }
    return program.push(instruction) - 1;
  };

  /** Completes a split whose far end was not known yet. */
  const settle = (at: number, into: number, beyond: number, lazy: boolean): void => {
    program[at] = { op: 'split', first: lazy ? beyond : into, second: lazy ? into : beyond };
  };

  const write = (part: Pattern): void => {
    switch (part.kind) {
      case 'byte':
        emit({ op: 'byte', set: part.set });
        return;
      case 'edge':
        emit({ op: 'edge', edge: part.edge });
        return;
      case 'core':
        emit({ op: 'core', side: 'start' });
        write(part.part);
        emit({ op: 'core', side: 'end' });
        return;
      case 'sequence':
        for (const one of part.parts) write(one);
        return;
      case 'choice':
        writeChoice(part.options);
        return;
      case 'repeat':
        writeRepeat(part);
    }
  };

  const writeChoice = (options: readonly Pattern[]): void => {
    const ends: number[] = [];
    for (const option of options.slice(0, -1)) {
      const split = emit({ op: 'jump', to: 0 });
      write(option);
      ends.push(emit({ op: 'jump', to: 0 }));
      settle(split, split + 1, program.length, false);
    }
    const last = options.at(-1);
    if (last !== undefined) write(last);
    for (const end of ends) program[end] = { op: 'jump', to: program.length };
  };

  const writeRepeat = ({ part, min, max, lazy }: Extract<Pattern, { kind: 'repeat' }>): void => {
    for (let count = 0; count < min; count++) write(part);
    if (max === Number.POSITIVE_INFINITY) {
      const split = emit({ op: 'jump', to: 0 });
      write(part);
      emit({ op: 'jump', to: split });
      settle(split, split + 1, program.length, lazy);
      return;
    }
    const splits: number[] = [];
    for (let count = min; count < max; count++) {
      splits.push(emit({ op: 'jump', to: 0 }));
      write(part);
    }
    for (const split of splits) settle(split, split + 1, program.length, lazy);
  };

  write(pattern);
  emit({ op: 'match' });
  return program;
}
