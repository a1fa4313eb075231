/**
 * Runs techniques, each in a sandbox of its own, or several programs one after the other in one sandbox. Each has a
 * deadline, and is judged by what its sandbox shows.
 */
import type { Image, ImageStore } from '../images/index.ts';
import { messageOf } from '../lib/index.ts';
import type { LocalSandboxHost, SandboxPolicy } from '../sandbox/index.ts';
import { runBatch } from './batch.ts';
import { hostFacts } from './facts.ts';
import { type Functions, openFunctions } from './functions.ts';
import { answerOf, type ProgramPlace, runProgram, startProgram } from './program.ts';
import type { ProgramResult } from './program-result.ts';
import { programFileOf, programText } from './programs.ts';
import { outOfReach } from './reach.ts';
import { type MountWith, rootWith } from './root-with.ts';
import type { TakenNode } from './taken-node.ts';
import type {
  HostContext,
  HostTechnique,
  OpenAttackedApi,
  ProgramTechnique,
  Technique,
  TechniqueResult,
} from './types.ts';

export interface SuiteOptions {
  readonly host: LocalSandboxHost;
  readonly images: ImageStore;
  /** The policy that is judged; every sandbox of the suite has it. */
  readonly policy: SandboxPolicy;
  /** Must have Python and, for Landlock, util-linux. */
  readonly image: Image;
  /** The mounted root of the image. */
  readonly rootDir: string;
  /** Opens the API that some techniques attack; without it they end in errors. */
  readonly openApi?: OpenAttackedApi;
  /** Some techniques start in the invoker of this machine. A text says why it has none. */
  readonly node?: TakenNode | string;
  /** Ends running techniques, which then count as errors. */
  readonly signal?: AbortSignal;
}

export interface Suite extends AsyncDisposable {
  /** Never rejects: a failure is a result. */
  run(technique: Technique): Promise<TechniqueResult>;
  /**
   * Runs several in one sandbox where possible. A technique that is not blocked as expected runs again in a sandbox
   * of its own, and that result counts. Results come in order. Never rejects.
   */
  runTogether(
    techniques: readonly ProgramTechnique[],
    onResult: (result: TechniqueResult, at: number) => void,
  ): Promise<void>;
}

/** What all techniques of a suite share. */
export interface SuitePlace extends ProgramPlace {
  readonly host: LocalSandboxHost;
  readonly functions: Pick<Functions, 'deploy' | 'deployCaller'>;
  readonly mountWith: MountWith;
  readonly node?: TakenNode | string | undefined;
}

export async function openSuite(options: SuiteOptions): Promise<Suite> {
  const { host, images, image, rootDir, openApi, node, signal } = options;
  // The programs are in Python, so they get the rules for functions in Python, except those that make code.
  const policy: SandboxPolicy =
    options.policy.writeExecute === 'by-kind'
      ? { ...options.policy, writeExecute: 'refused' }
      : options.policy;
  await using stack = new AsyncDisposableStack();
  const { facts } = stack.use(await hostFacts(policy, host.features.arch));
  const functions = stack.use(openFunctions({ host, images, policy, openApi }));
  const shared: SuitePlace = {
    start: (request) => host.start(request),
    ...{
      host,
      policy,
      rootDir,
      facts,
      functions,
      node,
      mountWith: (change) => rootWith(images, image, change),
    },
    ...(signal === undefined ? {} : { signal }),
  };
  const opened = stack.move();
  return {
    run: (technique) => runTechnique(shared, technique),
    runTogether: (techniques, onResult) => runTogether(shared, techniques, onResult),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

const noNode = 'this machine is no node of a cluster';
const defaultTimeoutMs = 20_000;
const batchTimeoutMs = 60_000;
/** The exit code of a Go program after a fatal error of its run time. */
const gvisorPanic = 2;

/** Runs a technique in a sandbox of its own. Never rejects. */
export function runTechnique(shared: SuitePlace, technique: Technique): Promise<TechniqueResult> {
  if (!('run' in technique)) return runInPlace(shared, technique);
  return timed(technique, shared, (signal) => runHostTechnique(shared, technique, signal));
}

async function runTogether(
  shared: SuitePlace,
  techniques: readonly ProgramTechnique[],
  onResult: (result: TechniqueResult, at: number) => void,
): Promise<void> {
  const timeout = AbortSignal.timeout(batchTimeoutMs);
  const signal = shared.signal === undefined ? timeout : AbortSignal.any([timeout, shared.signal]);
  const able = techniques.filter(
    ({ cannotFail, makesCode }) => !makesCode && cannotFail?.(shared.host.features) === undefined,
  );
  const together = await runBatch(shared, able, signal).catch(() => []);
  for (const [at, technique] of techniques.entries()) {
    const told = together[able.indexOf(technique)];
    const result = told && resultOf(technique, told.programResult, shared.facts.runtime === 'runsc');
    const isSettled = result?.outcome === 'NOTHING' || (result?.outcome === 'BLOCKED' && result.asExpected);
    onResult(
      isSettled
        ? { ...result, milliseconds: told?.milliseconds ?? 0 }
        : await runTechnique(shared, technique),
      at,
    );
  }
}

/** Runs a program in the given place. Never rejects. */
export function runInPlace(place: ProgramPlace, technique: ProgramTechnique): Promise<TechniqueResult> {
  const { parameters = {}, makesCode } = technique;
  const isFreed = makesCode && place.policy.writeExecute === 'refused';
  const freed = isFreed ? { ...place, policy: { ...place.policy, writeExecute: 'by-kind' as const } } : place;
  return timed(technique, freed, (signal) =>
    runProgram(freed, programText(programFileOf(technique)), { more: parameters }, signal),
  );
}

async function timed(
  technique: Technique,
  place: ProgramPlace,
  run: (signal: AbortSignal) => Promise<ProgramResult>,
): Promise<TechniqueResult> {
  const startedAt = performance.now();
  const timeout = AbortSignal.timeout(technique.timeoutMs ?? defaultTimeoutMs);
  const signal = place.signal === undefined ? timeout : AbortSignal.any([timeout, place.signal]);
  const programResult = await decided(technique, place, () => run(signal)).catch(
    (error: unknown): ProgramResult => ({ outcome: 'ERROR', detail: messageOf(error) }),
  );
  return {
    ...resultOf(technique, programResult, place.facts.runtime === 'runsc'),
    milliseconds: Math.round(performance.now() - startedAt),
  };
}

/** Skips the attempt where the result is known without it. */
async function decided(
  { cannotFail, reaches }: Technique,
  { host, policy }: Pick<ProgramPlace, 'host' | 'policy'>,
  run: () => Promise<ProgramResult>,
): Promise<ProgramResult> {
  const why = cannotFail?.(host.features);
  if (why !== undefined) return { outcome: 'NOTHING', detail: why };
  return (reaches && (await outOfReach(reaches, policy))) ?? (await run());
}

async function runHostTechnique(
  shared: SuitePlace,
  technique: HostTechnique,
  signal: AbortSignal,
): Promise<ProgramResult> {
  const { host, policy, rootDir, facts, functions, mountWith, node } = shared;
  await using started = new AsyncDisposableStack();
  const context: HostContext = {
    ...{ host, policy, rootDir, facts, node: node ?? noNode, signal },
    start: async (program, options) => started.use(await startProgram(shared, program, options)),
    run: async (program, options = {}) => answerOf(await runProgram(shared, program, options, signal)),
    deploy: functions.deploy,
    deployCaller: functions.deployCaller,
    rootWith: async (change) => started.use(await mountWith(change)).path,
  };
  const overdue = Promise.withResolvers<ProgramResult>();
  signal.addEventListener('abort', () =>
    overdue.resolve({ outcome: 'ERROR', detail: 'it gave no answer in time' }),
  );
  const attempted = technique.run(context);
  // The deadline ends its sandboxes, and so the rest of the technique.
  attempted.catch(() => {});
  return await Promise.race([attempted, overdue.promise]);
}

/** Turns what a program did into a result. Pure. */
export function resultOf(
  technique: Technique,
  programResult: ProgramResult,
  isGvisor: boolean,
): Omit<TechniqueResult, 'milliseconds'> {
  const { name, vector, title, reference, control, expects, harmlessInGvisor, endsGvisor } = technique;
  const head = { name, vector, title, reference, control };
  const { outcome, detail } = programResult;
  if (outcome === 'BLOCKED') {
    const { answer } = programResult;
    return { ...head, outcome, answer, detail, asExpected: expects.some((one) => one === answer) };
  }
  if (outcome === 'ESCAPED' && isGvisor && harmlessInGvisor !== undefined) {
    const told = `${harmlessInGvisor} (${detail})`;
    return { ...head, outcome: 'BLOCKED', answer: 'gvisor', detail: told, asExpected: true };
  }
  if (outcome === 'ERROR' && isGvisor && endsGvisor === true && programResult.exitCode === gvisorPanic) {
    const told =
      'gVisor’s kernel ran out of a resource of the host, and ended with everything that ran on it';
    return { ...head, outcome: 'BLOCKED', answer: 'killed', detail: told, asExpected: true };
  }
  return { ...head, outcome, answer: '', detail, asExpected: false };
}
