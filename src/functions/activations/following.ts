/** Follows an activation that has not ended: each new line of its log, and its end. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Dispatcher, LogPiece } from '../../dispatch/index.ts';
import type { AcceptedQueue } from '../../store/index.ts';
import type { Execution } from './execution.ts';
import type { Executions } from './executions.ts';

/** Interval of looks for an activation that is not dispatched yet, or will be dispatched again. */
const lookMs = 100;

/** Interval of store queries for the end of an activation that another server runs. */
const askMs = 250;

export interface FollowingOptions {
  readonly executions: Pick<Executions, 'find'>;
  readonly dispatcher: Pick<Dispatcher, 'follow'>;
  readonly accepted: Pick<AcceptedQueue, 'get'>;
  readonly isAlone: boolean;
}

/**
 * Ends when the record of the activation can be read, or when there will be none. Lines of the record beyond those
 * read and skipped have not been sent. Undefined if no such activation is under way in the namespace. Yields no lines
 * for an accepted activation that another server runs. The signal ends it without an error.
 */
export async function followActivation(
  options: FollowingOptions,
  namespace: string,
  activationId: string,
  signal: AbortSignal,
): Promise<AsyncIterable<LogPiece> | undefined> {
  const execution = options.executions.find(activationId);
  if (execution !== undefined)
    return execution.task.namespace === namespace ? followHere(options, execution, signal) : undefined;
  if (options.isAlone) return undefined;
  const isUnderWay = async () => (await options.accepted.get(namespace, activationId)) !== undefined;
  return (await isUnderWay()) ? followElsewhere(isUnderWay, signal) : undefined;
}

/** Starts to follow at once, not only at the first read. */
function followHere(
  { dispatcher }: FollowingOptions,
  { task, recorded, isRecorded }: Execution,
  signal: AbortSignal,
): AsyncIterable<LogPiece> {
  const end = new AbortController();
  void recorded.reached().then(() => end.abort());
  const over = AbortSignal.any([signal, end.signal]);
  // The record has the lines that were not read yet. Without a record, the log goes on to its own end.
  const look = () => dispatcher.follow(task.activationId, isRecorded ? over : signal);
  const first = look();
  return (async function* () {
    for (let log = first; ; log = look()) {
      if (log !== undefined) yield* log;
      await waitFor(lookMs, over);
      if (over.aborted) return;
    }
  })();
}

async function* followElsewhere(
  isUnderWay: () => Promise<boolean>,
  signal: AbortSignal,
): AsyncGenerator<LogPiece> {
  do await waitFor(askMs, signal);
  while (
    // A failed read is retried.
    !signal.aborted &&
    (await isUnderWay().catch(() => true))
  );
}

/** Waits for that time or until the signal. */
async function waitFor(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => {});
}
