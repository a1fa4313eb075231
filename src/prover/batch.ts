/**
 * Runs several programs in one sandbox, each in a process of its own: starting a sandbox takes far longer than most
 * techniques. A result counts only when it is what the technique expects; anything else must be tried again in a
 * sandbox of its own.
 */
import { z } from 'zod';
import { type ProgramPlace, startProgram, textOf } from './program.ts';
import { type ProgramResult, programResultOf } from './program-result.ts';
import { programFileOf, programText } from './programs.ts';
import type { ProgramTechnique, Technique } from './types.ts';

interface BatchResult {
  readonly programResult: ProgramResult;
  readonly milliseconds: number;
}

/** True for programs that exhaust no limit: they can run beside others. */
export function canShare(technique: Technique): technique is ProgramTechnique {
  return !('run' in technique) && technique.reaches === undefined;
}

/** Small enough for a batch to fit into one argument, and for several batches to run at once. */
export const batchSize = 16;

const patienceSeconds = 5;

const lineSchema = z.object({ said: z.string(), signal: z.number(), ms: z.number() });

/** Results in the order of the techniques; fewer when the sandbox ended early. */
export async function runBatch(
  place: ProgramPlace,
  techniques: readonly ProgramTechnique[],
  signal: AbortSignal,
): Promise<readonly BatchResult[]> {
  const programs = techniques.map((technique) => ({
    text: programText(programFileOf(technique)),
    parameters: technique.parameters ?? {},
  }));
  await using sandbox = await startProgram(place, programText('batch'), {
    more: { programs, patienceSeconds },
  });
  const stop = () => void sandbox.destroy();
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop, { once: true });
  sandbox.stdin.end();
  sandbox.stderr.resume();
  const text = await textOf(sandbox.stdout);
  signal.removeEventListener('abort', stop);
  return text.split('\n').flatMap(resultOfLine).slice(0, techniques.length);
}

function resultOfLine(line: string): readonly BatchResult[] {
  if (line === '') return [];
  let parsed: z.output<typeof lineSchema>;
  try {
    parsed = lineSchema.parse(JSON.parse(line));
  } catch {
    return [];
  }
  const { said, signal, ms } = parsed;
  const exit = { code: 0, signal: null, outOfMemory: false, killed: false, runtimeError: '' };
  const programResult = programResultOf({
    exit: { ...exit, seccompKill: signal === sigsys },
    stdout: said,
    stderr: '',
    isOverdue: false,
  });
  return [{ programResult, milliseconds: ms }];
}

/** The same number on x86-64 and arm64. */
const sigsys = 31;
