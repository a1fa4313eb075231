/** Shares work between callers: it runs once, and is aborted when the last caller stops waiting. */
import { untilAborted } from '../lib/index.ts';

interface Shared<T> {
  readonly result: Promise<T>;
  readonly controller: AbortController;
  waiting: number;
}

export interface SharedWork<T> {
  /** Joins the work under way for `key`, or starts it. @throws what the work throws; the signal's reason */
  run(key: string, signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T>;
}

export function shareWork<T>(): SharedWork<T> {
  const underWay = new Map<string, Shared<T>>();
  const begin = (key: string, work: (signal: AbortSignal) => Promise<T>): Shared<T> => {
    const controller = new AbortController();
    const result = work(controller.signal).finally(() => {
      if (underWay.get(key)?.controller === controller) underWay.delete(key);
    });
    // Each caller sees the error.
    result.catch(() => undefined);
    const shared = { result, controller, waiting: 0 };
    underWay.set(key, shared);
    return shared;
  };
  return {
    run: async (key, signal, work) => {
      signal.throwIfAborted();
      const shared = underWay.get(key) ?? begin(key, work);
      shared.waiting++;
      try {
        return await untilAborted(signal, shared.result);
      } finally {
        if (--shared.waiting === 0) {
          shared.controller.abort(signal.reason);
          // A later caller must start again.
          if (underWay.get(key) === shared) underWay.delete(key);
        }
      }
    },
  };
}
