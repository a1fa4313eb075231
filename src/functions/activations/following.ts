/** Follows an activation that has not ended: its log lines as they come, and its end. */
import type { Invoker } from '../../invoker/index.ts';
import type { Flights } from './flights.ts';

export interface Follower {
  /** In the form that records keep them. */
  onLine(line: string): void;
  /** Its record can be read now, or there will be none. */
  onEnd(): void;
}

/** While it waits for its sandbox there is nothing to follow: how often that is looked at. */
const lookMs = 100;

/** Undefined when there is no such activation under way in the namespace. Dispose it to stop. */
export function followActivation(
  { flights, invoker }: { flights: Pick<Flights, 'find'>; invoker: Pick<Invoker, 'follow'> },
  namespace: string,
  activationId: string,
  follower: Follower,
): Disposable | undefined {
  const flight = flights.find(activationId);
  if (flight === undefined || flight.task.namespace !== namespace) return undefined;
  let lines: Disposable | undefined;
  let isOver = false;
  const look = () => {
    lines ??= invoker.follow(activationId, (line) => follower.onLine(line));
    if (lines !== undefined) clearInterval(timer);
  };
  const timer = setInterval(look, lookMs);
  const stop = () => {
    isOver = true;
    clearInterval(timer);
    lines?.[Symbol.dispose]();
  };
  look();
  void flight.landed.reached().then(() => {
    if (isOver) return;
    stop();
    follower.onEnd();
  });
  return { [Symbol.dispose]: stop };
}
