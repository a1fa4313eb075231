/** Runs to call again, and with which input. Of each, Ward has kept an input or not. */
import { type KeptInput, readKeptInput } from './kept-input.ts';
import { countRuns, functionOf, listRuns, longestPage, namespaceOf, type RunFilter } from './runs.ts';

export interface PastRun {
  readonly activationId: string;
  /** `name` or `package/name`; undefined: it is of another namespace. */
  readonly action: string | undefined;
  /** The run that it is a part of, or the firing that called it. */
  readonly cause?: string | undefined;
}

export interface Replay {
  readonly action: string;
  readonly input: unknown;
}

/** Why a run is not called again. */
export type LeftOut = Exclude<KeptInput['is'], 'whole'> | 'part' | 'foreign';

export interface Replays {
  readonly replays: readonly Replay[];
  readonly leftOut: readonly LeftOut[];
}

/** Each has an input, which this reads. */
const mostRuns = 1000;

/**
 * Calls that have ended and fit, the newest first, and at most 1,000. Those that start meanwhile are not among them.
 * @param namespace of the session
 * @throws ApiError
 */
export async function selectRuns(
  filter: RunFilter,
  namespace: string | null | undefined,
  signal: AbortSignal,
): Promise<{ readonly total: number; readonly runs: readonly PastRun[] }> {
  const calls = { ...filter, calls: true };
  const newest = await listRuns(calls, { skip: 0, limit: longestPage }, signal);
  const upto = newest[0]?.start;
  if (upto === undefined) return { total: 0, runs: [] };
  const counted = { ...calls, upto };
  const total = await countRuns(counted, signal);
  const found = new Map(newest.map((run) => [run.activationId, run]));
  for (let skip = longestPage; skip < Math.min(total, mostRuns); skip += longestPage)
    for (const run of await listRuns(counted, { skip, limit: longestPage }, signal))
      found.set(run.activationId, run);
  const runs = [...found.values()].map((run) => ({
    activationId: run.activationId,
    action: namespaceOf(run) === namespace ? functionOf(run) : undefined,
    cause: run.cause,
  }));
  return { total, runs };
}

/** @throws ApiError */
export async function readReplays(
  runs: readonly PastRun[],
  signal: AbortSignal,
  read = readKeptInput,
): Promise<Replays> {
  const inputs = new Map<string, KeptInput>();
  for (const { activationId, action } of runs)
    if (action !== undefined) inputs.set(activationId, await read(activationId, signal));
  const causes = new Map(runs.map(({ activationId, cause }) => [activationId, cause]));
  const isPart = (id: string): boolean => {
    const cause = causes.get(id);
    return cause !== undefined && (inputs.get(cause)?.is === 'whole' || isPart(cause));
  };
  const replays: Replay[] = [];
  const leftOut: LeftOut[] = [];
  for (const { activationId, action } of runs) {
    const kept = inputs.get(activationId);
    if (action === undefined || kept === undefined) leftOut.push('foreign');
    else if (kept.is !== 'whole') leftOut.push(kept.is);
    // The run that it is a part of calls it anyway.
    else if (isPart(activationId)) leftOut.push('part');
    else replays.push({ action, input: kept.input });
  }
  return { replays, leftOut };
}
