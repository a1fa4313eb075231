/**
 * Checks each technique against its control: it runs where that control has been removed, and must get through. One
 * that is still stopped there would report "blocked" in any sandbox.
 */
import { batchSize, canShare, runBatch } from '../batch.ts';
import { proverFault } from '../faults.ts';
import { runTechnique, type SuitePlace } from '../suite.ts';
import type { ProgramTechnique, Technique, TechniqueResult } from '../types.ts';
import { openWeakened, type Weakened, type WeakenedOptions } from './open.ts';
import type { Removal } from './removals.ts';
import { weakeningOf } from './table.ts';

interface ProveWeakenedOptions extends WeakenedOptions {
  readonly techniques: readonly Technique[];
  readonly onProgress?: (progress: {
    readonly done: number;
    readonly all: number;
    readonly last: WeakenedRow;
  }) => void;
}

/** `LEFT OUT`: not run without its controls, for the reason in `detail`. */
type WeakenedOutcome = TechniqueResult['outcome'] | 'LEFT OUT';

export interface WeakenedRow extends Pick<TechniqueResult, 'name' | 'vector' | 'control' | 'detail'> {
  readonly outcome: WeakenedOutcome;
  /** The controls that were removed. */
  readonly without: readonly Removal[];
}

export interface WeakenedReport {
  /** Whether every technique that ran got through. */
  readonly ok: boolean;
  readonly kernel: string;
  readonly counts: Readonly<Record<WeakenedOutcome, number>>;
  readonly milliseconds: number;
  readonly techniques: readonly WeakenedRow[];
}

/** @throws Fault COMPARISON_UNFIT; and the signal's reason */
export async function proveWeakened(options: ProveWeakenedOptions): Promise<WeakenedReport> {
  const { host, techniques, onProgress, signal } = options;
  const startedAt = performance.now();
  await using weakened = await openWeakened({ ...options, policy: withSmallLimits(options.policy) });
  const rows = new Map<string, WeakenedRow>();
  const take = (row: WeakenedRow) => {
    rows.set(row.name, row);
    onProgress?.({ done: rows.size, all: techniques.length, last: row });
  };
  for (const technique of techniques) {
    const { leftOut } = weakeningOf(technique.name);
    if (leftOut !== undefined) take(rowOf(technique, [], { outcome: 'LEFT OUT', detail: leftOut }));
  }
  for (const group of groupsOf(techniques)) await runGroup(group, weakened, take, signal);
  signal?.throwIfAborted();
  const told = techniques.flatMap(({ name }) => rows.get(name) ?? []);
  const counts = countsOf(told);
  return {
    ok: counts.BLOCKED === 0 && counts.ERROR === 0,
    kernel: host.features.kernel,
    counts,
    milliseconds: Math.round(performance.now() - startedAt),
    techniques: told,
  };
}

interface Group {
  readonly without: readonly Removal[];
  readonly techniques: readonly Technique[];
}

/** Groups techniques by the controls that they must lose. */
function groupsOf(techniques: readonly Technique[]): readonly Group[] {
  const groups = new Map<string, { without: readonly Removal[]; techniques: Technique[] }>();
  for (const technique of techniques) {
    const { without, leftOut } = weakeningOf(technique.name);
    if (leftOut !== undefined) continue;
    const key = without.join(' ');
    const group = groups.get(key) ?? { without, techniques: [] };
    group.techniques.push(technique);
    groups.set(key, group);
  }
  return [...groups.values()];
}

async function runGroup(
  { without, techniques }: Group,
  weakened: Weakened,
  take: (row: WeakenedRow) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  const place: SuitePlace = { ...(await weakened.without(without)), functions, mountWith: unavailable };
  const together = techniques.filter(canShare);
  for (let at = 0; at < together.length; at += batchSize) {
    await runSome(together.slice(at, at + batchSize), place, without, take);
  }
  for (const technique of techniques) {
    if (signal?.aborted) return;
    if (!canShare(technique)) take(rowOf(technique, without, await runTechnique(place, technique)));
  }
}

/** Runs techniques in one sandbox. If one fails there, the others may have hindered it, so it runs again alone. */
async function runSome(
  techniques: readonly ProgramTechnique[],
  place: SuitePlace,
  without: readonly Removal[],
  take: (row: WeakenedRow) => void,
): Promise<void> {
  const timeout = AbortSignal.timeout(60_000);
  const signal = place.signal === undefined ? timeout : AbortSignal.any([timeout, place.signal]);
  const results = await runBatch(place, techniques, signal).catch(() => []);
  for (const [at, technique] of techniques.entries()) {
    if (place.signal?.aborted) return;
    const programResult = results[at]?.programResult;
    const result =
      programResult?.outcome === 'ESCAPED' ? programResult : await runTechnique(place, technique);
    take(rowOf(technique, without, result));
  }
}

function rowOf(
  { name, vector, control }: Technique,
  without: readonly Removal[],
  { outcome, detail }: Pick<WeakenedRow, 'outcome' | 'detail'>,
): WeakenedRow {
  return { name, vector, control, outcome, without, detail };
}

const MiB = 1024 * 1024;

/** Techniques go past these limits, so the limits must be small. */
function withSmallLimits(policy: WeakenedOptions['policy']): WeakenedOptions['policy'] {
  const small = { memoryBytes: 64 * MiB, pidsLimit: 64 };
  const tmpfs = policy.tmpfs.map((mount) => ({ ...mount, sizeBytes: 8 * MiB, inodes: 128 }));
  return { ...policy, ...small, runtime: 'runc', tmpfs };
}

function unavailable(): never {
  throw proverFault('PROGRAM_SILENT', 'functions and images are not available in sandboxes without controls');
}

const functions = { deploy: unavailable, deployCaller: unavailable };

function countsOf(rows: readonly WeakenedRow[]): Record<WeakenedOutcome, number> {
  const counts = { ESCAPED: 0, BLOCKED: 0, ERROR: 0, NOTHING: 0, 'LEFT OUT': 0 };
  for (const { outcome } of rows) counts[outcome]++;
  return counts;
}
