/** Two tenants at once: one holds something, and the other goes for it. */
import type { Sandbox } from '../sandbox/index.ts';
import { answerOf, firstLine } from './program.ts';
import { programResultOf } from './program-result.ts';
import { programText } from './programs.ts';
import type { AttackAnswer, HostContext } from './types.ts';

/**
 * Runs `FILE-holder`, a program that ends by `holds(…)`, and beside it `FILE-seeker`, whose `facts["neighbour"]` is
 * what is held. A holder that is blocked itself is the answer: there is nothing to go for.
 */
export async function seekBeside(
  context: HostContext,
  file: string,
  parameters: Readonly<Record<string, unknown>>,
): Promise<AttackAnswer> {
  const { start, run, signal } = context;
  await using sandbox = await start(programText(`${file}-holder`), { more: parameters });
  const line = await firstLine(sandbox, signal);
  const held = /^HOLDS (.*)$/.exec(line)?.[1];
  if (held === undefined) return await refusalOf(sandbox, line);
  const answer = await run(programText(`${file}-seeker`), { more: { neighbour: JSON.parse(held) } });
  const left = await sandbox.usage();
  if (answer.outcome === 'BLOCKED' && left.pids === 0) {
    return { outcome: 'ESCAPED', detail: 'the neighbour is no more' };
  }
  return answer;
}

/** @throws Fault PROGRAM_SILENT when it was not refused anything */
async function refusalOf(sandbox: Sandbox, line: string): Promise<AttackAnswer> {
  const exit = await sandbox.exited;
  return answerOf(programResultOf({ exit, stdout: line, stderr: '', isOverdue: false }));
}
