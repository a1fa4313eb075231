/** Judges a program by what it said and how the kernel says it ended. Pure. */
import type { SandboxExit } from '../sandbox/index.ts';
import type { AttackAnswer } from './types.ts';

/** How a program of the suite ended. */
interface ProgramEnd {
  readonly exit: SandboxExit;
  readonly stdout: string;
  readonly stderr: string;
  /** The suite ended it at its deadline. */
  readonly isOverdue: boolean;
}

/** The answer, or the reason why there is none. */
export type ProgramResult =
  | AttackAnswer
  | {
      readonly outcome: 'ERROR';
      readonly detail: string;
      /** Set when the sandbox ended without output. */
      readonly exitCode?: number | null;
    };

/**
 * The program's own words count first, and an escape counts more than a refusal: a program that tries several ways may
 * be refused in one. Without words, the sandbox's end decides.
 */
export function programResultOf({ exit, stdout, stderr, isOverdue }: ProgramEnd): ProgramResult {
  const lines = stdout.split('\n').flatMap((line) => lineOf(line) ?? []);
  const said = lines.find(({ outcome }) => outcome === 'ESCAPED') ?? lines[0];
  if (said !== undefined) return said;
  if (exit.outOfMemory) return { outcome: 'BLOCKED', answer: 'killed', detail: 'out of memory' };
  if (exit.seccompKill) return { outcome: 'BLOCKED', answer: 'killed', detail: 'SIGSYS' };
  return { outcome: 'ERROR', detail: reasonOf(exit, stderr, isOverdue), exitCode: exit.code };
}

function lineOf(line: string): AttackAnswer | undefined {
  const match = /^(?:BLOCKED (\w+)|(ESCAPED|NOTHING))(?: (.*))?$/.exec(line.trimEnd());
  if (match === null) return undefined;
  const [, answer, other, detail = ''] = match;
  if (other === 'ESCAPED' || other === 'NOTHING') return { outcome: other, detail };
  return { outcome: 'BLOCKED', answer: answer ?? '', detail };
}

function reasonOf(exit: SandboxExit, stderr: string, isOverdue: boolean): string {
  if (isOverdue) return 'it gave no answer in time';
  if (exit.runtimeError !== '') return `the runtime could not start it: ${exit.runtimeError}`;
  const last = stderr.trimEnd().split('\n').at(-1) ?? '';
  return `it ended without an answer (${exit.signal ?? `exit ${exit.code}`})${last === '' ? '' : `: ${last}`}`;
}
