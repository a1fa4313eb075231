/**
 * Detects that another process wrote to the store, so that caches can be dropped. Polls in the background, never on
 * the path of a request. A cached value is stale for at most one interval.
 */
import { type Log, messageOf } from '../../lib/index.ts';
import type { Store } from '../../store/index.ts';

const intervalMs = 250;

/** The time in which a healthy server notices a write of another process. */
export const noticedMs = 2 * intervalMs;

/** Calls `changed` after foreign writes, until it is disposed. */
export function watchForeignWrites(
  store: Pick<Store, 'foreignWrites'>,
  changed: () => void,
  log: Log,
): Disposable {
  let seen: number | undefined;
  let asking = false;
  const ask = async () => {
    if (asking) return;
    asking = true;
    try {
      const count = await store.foreignWrites();
      if (seen !== undefined && count !== seen) changed();
      seen = count;
    } catch (error) {
      changed();
      log.warn({ reason: messageOf(error) }, 'cannot see whether another process wrote to the store');
    } finally {
      asking = false;
    }
  };
  void ask();
  const timer = setInterval(() => void ask(), intervalMs);
  timer.unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
