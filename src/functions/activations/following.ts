/** Follows an activation that has not ended: its log lines as they come, and its end. */
import type { Dispatcher } from '../../dispatch/index.ts';
import type { AcceptedQueue } from '../../store/index.ts';
import type { Execution } from './execution.ts';
import type { Executions } from './executions.ts';

export interface Follower {
  /** In the form that records keep them. */
  onLine(line: string): void;
  /** Its record can be read now, or there will be none. */
  onEnd(): void;
}

/** While it waits for its sandbox there is nothing to follow: how often that is looked at. */
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
 * Undefined when there is no such activation under way in the namespace. Of an accepted one that another server runs, its
 * end is told, and no lines. Dispose it to stop.
 */
export async function followActivation(
  options: FollowingOptions,
  namespace: string,
  activationId: string,
  follower: Follower,
): Promise<Disposable | undefined> {
  const execution = options.executions.find(activationId);
  if (execution !== undefined)
    return execution.task.namespace === namespace ? followHere(options, execution, follower) : undefined;
  if (options.isAlone) return undefined;
  const isUnderWay = async () => (await options.accepted.get(namespace, activationId)) !== undefined;
  return (await isUnderWay()) ? followElsewhere(isUnderWay, follower) : undefined;
}

function followHere({ dispatcher }: FollowingOptions, execution: Execution, follower: Follower): Disposable {
  const { activationId } = execution.task;
  let lines: Disposable | undefined;
  let isOver = false;
  const look = () => {
    lines ??= dispatcher.follow(activationId, (line) => follower.onLine(line));
    if (lines !== undefined) clearInterval(timer);
  };
  const timer = setInterval(look, lookMs);
  const stop = () => {
    isOver = true;
    clearInterval(timer);
    lines?.[Symbol.dispose]();
  };
  look();
  void execution.recorded.reached().then(() => {
    if (isOver) return;
    stop();
    follower.onEnd();
  });
  return { [Symbol.dispose]: stop };
}

function followElsewhere(isUnderWay: () => Promise<boolean>, { onEnd }: Follower): Disposable {
  let timer: NodeJS.Timeout | undefined;
  const ask = async () => {
    // A read that fails is tried again.
    const goesOn = await isUnderWay().catch(() => true);
    if (timer === undefined) return;
    if (goesOn) timer = setTimeout(ask, askMs);
    else onEnd();
  };
  timer = setTimeout(ask, askMs);
  return {
    [Symbol.dispose]() {
      clearTimeout(timer);
      timer = undefined;
    },
  };
}
