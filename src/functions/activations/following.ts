/** Follows an activation that has not ended: each new line of its log, and its end. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Dispatcher, LogPiece, OwnCalls } from '../../dispatch/index.ts';
import type { AcceptedQueue } from '../../store/index.ts';
import type { Execution } from './execution.ts';
import type { Executions } from './executions.ts';

/** Interval of looks for an activation that is not dispatched yet, or will be dispatched again. */
const lookMs = 100;

/** Interval of looks for the server that has an accepted activation, and for its end. */
const askMs = 250;

/** Undefined if no such activation is under way in the namespace. The signal ends it without an error. */
export type FollowLog = (
  namespace: string,
  activationId: string,
  signal: AbortSignal,
) => Promise<AsyncIterable<LogPiece> | undefined>;

interface OwnOptions {
  readonly executions: Pick<Executions, 'find' | 'stop'>;
  readonly dispatcher: Pick<Dispatcher, 'follow'>;
}

export interface FollowingOptions extends OwnOptions {
  readonly accepted: Pick<AcceptedQueue, 'get'>;
  readonly isAlone: boolean;
  /** Asks the other servers. Absent: there are none, or they can't be asked. */
  readonly followElsewhere?: FollowLog | undefined;
}

/**
 * Ends when the record of the activation can be read, or when there will be none. Lines of the record beyond those
 * read and skipped have not been sent. Undefined if no such activation is under way in the namespace. Yields no lines
 * while no server says that it has the activation. The signal ends it without an error.
 */
export async function followActivation(
  options: FollowingOptions,
  ...of: Parameters<FollowLog>
): Promise<AsyncIterable<LogPiece> | undefined> {
  const [namespace, activationId, signal] = of;
  const { executions, accepted, isAlone, followElsewhere } = options;
  if (executions.find(activationId) !== undefined) return ownCalls(options).follow(...of);
  if (isAlone) return undefined;
  const isAccepted = async () => (await accepted.get(namespace, activationId)) !== undefined;
  const look = async () => followElsewhere?.(...of);
  const log = await look();
  if (log === undefined && !(await isAccepted())) return undefined;
  return followOn(log, { look, isAccepted, signal });
}

/** What others may follow and cancel here. */
export function ownCalls(options: OwnOptions): OwnCalls {
  const find = (namespace: string, activationId: string) => {
    const execution = options.executions.find(activationId);
    return execution?.task.namespace === namespace ? execution : undefined;
  };
  return {
    has: (namespace, activationId) => find(namespace, activationId) !== undefined,
    cancel: (namespace, activationId) => options.executions.stop(namespace, activationId),
    follow(namespace, activationId, signal) {
      const execution = find(namespace, activationId);
      return execution && followHere(options, execution, signal);
    },
  };
}

/** Starts to follow at once, not only at the first read. */
function followHere(
  { dispatcher }: OwnOptions,
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

interface Elsewhere {
  readonly look: () => ReturnType<FollowLog>;
  /** It is in the queue, so it goes on even if its server does not. */
  readonly isAccepted: () => Promise<boolean>;
  readonly signal: AbortSignal;
}

async function* followOn(
  first: AsyncIterable<LogPiece> | undefined,
  { look, isAccepted, signal }: Elsewhere,
): AsyncGenerator<LogPiece> {
  for (let log = first; ; log = await look()) {
    if (log !== undefined) yield* log;
    // A failed read is retried.
    if (signal.aborted || !(await isAccepted().catch(() => true))) return;
    await waitFor(askMs, signal);
    if (signal.aborted) return;
  }
}

/** Waits for that time or until the signal. */
async function waitFor(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => {});
}
