/** Starts the suite's Python programs in sandboxes, and runs them to their end. */
import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import type { LocalSandboxHost, Sandbox, SandboxPolicy, SandboxRequest } from '../sandbox/index.ts';
import { factsFor } from './facts.ts';
import { proverFault } from './faults.ts';
import { type ProgramResult, programResultOf } from './program-result.ts';
import { programText } from './programs.ts';
import type { AttackAnswer, Facts, ProgramOptions } from './types.ts';

/** Starts one sandbox. Ward's own host is one; a comparison has another. */
export type Start = (request: SandboxRequest) => Promise<Sandbox>;

/** The place that programs run in. */
export interface ProgramPlace {
  readonly host: Pick<LocalSandboxHost, 'features'>;
  readonly start: Start;
  readonly policy: SandboxPolicy;
  readonly rootDir: string;
  readonly facts: Facts;
  /** Ends a program that is running. */
  readonly signal?: AbortSignal;
}

export async function startProgram(
  place: ProgramPlace,
  program: string,
  options: ProgramOptions = {},
): Promise<Sandbox> {
  const { policy } = place;
  const rootDir = options.rootDir ?? place.rootDir;
  const facts = { ...factsFor(place.facts, policy), runtime: place.facts.runtime, ...options.more };
  return place.start({
    rootDir,
    args: [
      await interpreterOf(place.rootDir),
      '-I',
      '-c',
      programText('prelude') + program,
      JSON.stringify(facts),
    ],
    env: { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: '/tmp', ...options.env },
    cwd: options.cwd ?? '/',
    policy,
    channel: options.channel === true ? 'channel' : 'none',
  });
}

/** Runs a program to its end, or until `signal` is aborted. */
export async function runProgram(
  place: ProgramPlace,
  program: string,
  options: ProgramOptions,
  signal: AbortSignal,
): Promise<ProgramResult> {
  await using sandbox = await startProgram(place, program, options);
  return await endOf(sandbox, signal);
}

/** Reads a sandbox to its end, and judges it. */
export async function endOf(sandbox: Sandbox, signal: AbortSignal): Promise<ProgramResult> {
  const stop = () => void sandbox.destroy();
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop, { once: true });
  sandbox.stdin.end();
  const [exit, stdout, stderr] = await Promise.all([
    sandbox.exited,
    textOf(sandbox.stdout),
    textOf(sandbox.stderr),
  ]);
  signal.removeEventListener('abort', stop);
  return programResultOf({ exit, stdout, stderr, isOverdue: exit.killed && signal.aborted });
}

/**
 * The first line of a sandbox's output that is not empty, or '' when it ends before; the rest is discarded.
 * Aborting `signal` ends the sandbox.
 */
export async function firstLine(sandbox: Sandbox, signal: AbortSignal): Promise<string> {
  const stop = () => void sandbox.destroy();
  signal.addEventListener('abort', stop, { once: true });
  let text = '';
  const { promise, resolve } = Promise.withResolvers<void>();
  sandbox.stdout.on('data', (chunk: Buffer) => {
    if (text.length < keptBytes) text += String(chunk);
    if (/\S.*\n/.test(text)) resolve();
  });
  sandbox.stdout.once('close', resolve);
  sandbox.stderr.resume();
  await promise;
  signal.removeEventListener('abort', stop);
  return /\S.*/.exec(text)?.[0] ?? '';
}

/** @throws Fault PROGRAM_SILENT */
export function answerOf(programResult: ProgramResult): AttackAnswer {
  if (programResult.outcome !== 'ERROR') return programResult;
  throw proverFault('PROGRAM_SILENT', programResult.detail);
}

const interpreters = ['/usr/bin/python3', '/usr/bin/python3.13', '/usr/local/bin/python3'];

/** The path inside the root of the suite's image. @throws Fault PYTHON_MISSING */
export async function interpreterOf(rootDir: string): Promise<string> {
  for (const path of interpreters) {
    if (await lstat(join(rootDir, path)).catch(() => undefined)) return path;
  }
  throw proverFault('PYTHON_MISSING', `${rootDir} has no Python`);
}

const keptBytes = 65_536;

/** Reads the start and the end of a stream: there may be a flood between the program's first word and its last. */
export async function textOf(stream: NodeJS.ReadableStream): Promise<string> {
  let head = '';
  let tail = '';
  for await (const chunk of stream) {
    if (head.length < keptBytes) head += String(chunk);
    else tail = (tail + String(chunk)).slice(-keptBytes);
  }
  return head + tail;
}
