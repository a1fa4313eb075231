/**
 * Sends inputs to a part. fast-check shrinks each failure, which is then kept by target and symptom and ignored from
 * then on, so that one run reports every different failure.
 */
import fc from 'fast-check';
import { messageOf } from '../../src/lib/index.ts';
import type { Bench, Finding, Part, PartResult, Probe } from './types.ts';

export interface AttackOptions {
  readonly runs: number;
  readonly seed: number;
  readonly onProgress?: (done: number) => void;
}

/** No fuzzed code takes a second, but a busy machine may be slow. */
const hangMs = 60_000;
const mostFindings = 20;
/** Greatest number of further inputs to shrink a failure. */
const shrinkMs = 15_000;
/** Memory growth of this process that a part may cause. */
const mostGrownMiB = 1024;

export async function attack(part: Part, options: AttackOptions): Promise<PartResult> {
  const startedAt = performance.now();
  const memory = watchMemory();
  const findings: Finding[] = [];
  const counter = { done: 0 };
  const stray = collectStrays(findings);
  try {
    await using bench = await part.open();
    const lanes = Math.min(bench.lanes, options.runs);
    await Promise.all(
      Array.from({ length: lanes }, (_, lane) => {
        const runs = Math.floor(options.runs / lanes) + (lane < options.runs % lanes ? 1 : 0);
        return attackInLane(bench, { ...options, runs, seed: options.seed + lane }, findings, counter);
      }),
    );
    await bench.settle?.().catch((error: unknown) => {
      findings.push({ target: part.name, what: `afterwards: ${messageOf(error)}`, shown: '' });
    });
  } finally {
    stray[Symbol.dispose]();
  }
  const grownMiB = memory.grownMiB();
  if (grownMiB > mostGrownMiB) findings.push({ target: part.name, what: `took ${grownMiB} MiB`, shown: '' });
  const seconds = (performance.now() - startedAt) / 1000;
  return { part: part.name, inputs: counter.done, seconds, grownMiB, findings };
}

async function attackInLane(
  { probes }: Bench,
  { runs, seed, onProgress }: AttackOptions,
  findings: Finding[],
  counter: { done: number },
): Promise<void> {
  let left = runs;
  for (let round = 0; left > 0 && findings.length < mostFindings; round++) {
    let shrinksUntil: number | undefined;
    const property = fc.asyncProperty(probes, async (probe) => {
      if (shrinksUntil === undefined) {
        left--;
        counter.done++;
        onProgress?.(counter.done);
      } else if (performance.now() > shrinksUntil) return;
      const failure = await failureOf(probe);
      if (failure === undefined || isKnown(findings, failure)) return;
      shrinksUntil ??= performance.now() + shrinkMs;
      throw new Failure(failure);
    });
    const { errorInstance, failed } = await fc.check(property, { numRuns: left, seed: seed + round * 1000 });
    if (!failed) return;
    if (!(errorInstance instanceof Failure)) throw errorInstance;
    // Another lane may have found it meanwhile.
    if (!isKnown(findings, errorInstance.finding)) findings.push(errorInstance.finding);
  }
}

class Failure extends Error {
  readonly finding: Finding;
  constructor(finding: Finding) {
    super(finding.what);
    this.finding = finding;
  }
}

async function failureOf(probe: Probe): Promise<Finding | undefined> {
  try {
    const running = probe.run();
    if (running !== undefined) await withinTime(running);
    return undefined;
  } catch (error) {
    return { target: probe.target, what: symptomOf(error), shown: probe.shown };
  }
}

/** The message; with the place for errors that were not thrown on purpose. */
function symptomOf(error: unknown): string {
  const where = error instanceof Error ? /\bsrc\/[^)\s]+/.exec(error.stack ?? '')?.[0] : undefined;
  return `${messageOf(error)}${where === undefined ? '' : ` (${where})`}`;
}

function isKnown(findings: readonly Finding[], { target, what }: Finding): boolean {
  const plain = (text: string) => text.replaceAll(/[\d"'].*?(?=\(src|$)/g, '');
  return findings.some((known) => known.target === target && plain(known.what) === plain(what));
}

async function withinTime(running: Promise<void>): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`no end within ${hangMs / 1000} s`)), hangMs);
  try {
    await Promise.race([running, promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** Unhandled rejections and exceptions, which would have ended a server. */
function collectStrays(findings: Finding[]): Disposable {
  const onStray = (error: unknown) =>
    findings.push({ target: 'process', what: `uncaught: ${symptomOf(error)}`, shown: '' });
  process.on('uncaughtException', onStray);
  process.on('unhandledRejection', onStray);
  return {
    [Symbol.dispose]() {
      process.off('uncaughtException', onStray);
      process.off('unhandledRejection', onStray);
    },
  };
}

function watchMemory(): { grownMiB(): number } {
  const before = process.memoryUsage.rss();
  let most = before;
  const timer = setInterval(() => {
    most = Math.max(most, process.memoryUsage.rss());
  }, 200).unref();
  return {
    grownMiB() {
      clearInterval(timer);
      most = Math.max(most, process.memoryUsage.rss());
      return Math.round((most - before) / 1024 ** 2);
    },
  };
}
