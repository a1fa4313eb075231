/** Runs the suite: several techniques at once, progress after each, and a report in their order. */
import { availableParallelism } from 'node:os';
import { batchSize, canShare } from './batch.ts';
import { openDockerDefault } from './docker-default/open.ts';
import { openSuite, type Suite, type SuiteOptions } from './suite.ts';
import type { Outcome, Technique, TechniqueResult } from './types.ts';

interface ProveOptions extends SuiteOptions {
  readonly techniques: readonly Technique[];
  /** The host's instance, which owns the control groups. */
  readonly instance: string;
  /** Also runs the programs under Docker's defaults. */
  readonly compare: boolean;
  readonly onProgress?: (progress: Progress) => void;
}

interface Progress {
  readonly done: number;
  readonly all: number;
  readonly last: TechniqueResult;
}

/** A technique's result and, in a comparison, what the same program got under Docker's defaults. */
export interface ProveRow extends TechniqueResult {
  readonly dockerDefault?: TechniqueResult;
}

export interface ProveReport {
  /** Whether no technique escaped, and none ended in an error. */
  readonly ok: boolean;
  readonly kernel: string;
  readonly runtime: { readonly name: string; readonly version: string };
  readonly counts: Readonly<Record<Outcome, number>>;
  /** Counts of the comparison, over the techniques that it can run. */
  readonly dockerDefaultCounts?: Readonly<Record<Outcome, number>>;
  readonly milliseconds: number;
  readonly techniques: readonly ProveRow[];
}

/** @throws Fault COMPARISON_UNFIT, RUNTIME_MISSING, POLICY_NOT_MET; and the signal's reason */
export async function prove(options: ProveOptions): Promise<ProveReport> {
  const { host, policy } = options;
  const startedAt = performance.now();
  await host.checkPolicy(policy);
  const rows = await runAll(options);
  const compared = rows.flatMap(({ dockerDefault }) => dockerDefault ?? []);
  const counts = countsOf(rows);
  return {
    ok: counts.ESCAPED === 0 && counts.ERROR === 0,
    kernel: host.features.kernel,
    runtime: { name: policy.runtime, version: (await host.runtime(policy.runtime))?.version ?? '' },
    counts,
    ...(options.compare ? { dockerDefaultCounts: countsOf(compared) } : {}),
    milliseconds: Math.round(performance.now() - startedAt),
    techniques: rows,
  };
}

async function runAll(options: ProveOptions): Promise<readonly ProveRow[]> {
  const { techniques, onProgress, signal } = options;
  await using stack = new AsyncDisposableStack();
  const suite = stack.use(await openSuite(options));
  const docker = options.compare ? stack.use(await openDockerDefault(options)) : undefined;
  const rows: ProveRow[] = [];
  const waiting: Trial[] = [];
  const take = (at: number, technique: Technique, result: TechniqueResult) => {
    rows[at] = result;
    onProgress?.({ done: rows.filter(Boolean).length, all: techniques.length, last: result });
    if (docker?.takes(technique) !== true) return;
    waiting.push(async () => {
      rows[at] = { ...result, dockerDefault: await docker.run(technique) };
    });
  };
  waiting.push(...jobsOf(techniques, suite, take));
  const work = async () => {
    for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) {
      if (signal?.aborted) return;
      await job();
    }
  };
  await Promise.all(Array.from({ length: parallel }, work));
  signal?.throwIfAborted();
  return rows;
}

type Trial = () => Promise<void>;
type Take = (at: number, technique: Technique, result: TechniqueResult) => void;

/** Makes jobs: techniques that can share a sandbox in batches, the rest one by one. */
function jobsOf(techniques: readonly Technique[], suite: Suite, take: Take): readonly Trial[] {
  const numbered = techniques.map((technique, at) => ({ technique, at }));
  const together = numbered.flatMap(({ technique, at }) => (canShare(technique) ? [{ technique, at }] : []));
  const batches = Array.from({ length: Math.ceil(together.length / batchSize) }, (_, number) =>
    together.slice(number * batchSize, (number + 1) * batchSize),
  );
  const alone = numbered.filter(({ technique }) => !canShare(technique));
  return [
    ...batches.map((batch) => () => {
      const members = batch.map(({ technique }) => technique);
      return suite.runTogether(members, (result, index) => {
        const member = batch[index];
        if (member) take(member.at, member.technique, result);
      });
    }),
    ...alone.map(
      ({ technique, at }) =>
        async () =>
          take(at, technique, await suite.run(technique)),
    ),
  ];
}

/** Number of jobs at once. They mostly wait for their sandboxes; more of them would wait for each other. */
const parallel = Math.max(2, availableParallelism());

function countsOf(results: readonly TechniqueResult[]): Record<Outcome, number> {
  const counts: Record<Outcome, number> = { BLOCKED: 0, ESCAPED: 0, ERROR: 0, NOTHING: 0 };
  for (const { outcome } of results) counts[outcome]++;
  return counts;
}
