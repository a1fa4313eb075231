/** Follows an activation that has not ended: its log as it comes, and its end. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Dispatcher, LogPiece } from '../../dispatch/index.ts';
import type { AcceptedQueue } from '../../store/index.ts';
import type { Execution } from './execution.ts';
import type { Executions } from './executions.ts';

/** How often an activation is looked for that has not been dispatched yet, or is to be dispatched again. */
const lookMs = 100;

/** How often the store is asked for the end of what another server runs. */
const askMs = 250;

export interface FollowingOptions {
  readonly executions: Pick<Executions, 'find'>;
  readonly dispatcher: Pick<Dispatcher, 'follow'>;
  readonly accepted: Pick<AcceptedQueue, 'get'>;
  readonly isAlone: boolean;
}

/**
 * Ends when the record of the activation can be read, or there will be none. What the record has beyond what was read and
 * skipped was not told. Undefined when there is no such activation under way in the namespace. Of an accepted one that
 * another server runs, there are no lines. The signal ends it, and throws nothing.
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

/** Follows from now on, not only from the first read. */
function followHere(
  { dispatcher }: FollowingOptions,
  { task, recorded, isRecorded }: Execution,
  signal: AbortSignal,
): AsyncIterable<LogPiece> {
  const end = new AbortController();
  void recorded.reached().then(() => end.abort());
  const over = AbortSignal.any([signal, end.signal]);
  // A record has what was not read yet. Without one, the log goes on to its own end.
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
    // A read that fails is tried again.
    !signal.aborted &&
    (await isUnderWay().catch(() => true))
  );
}

/** Until then, or until the signal. */
async function waitFor(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => {});
}
