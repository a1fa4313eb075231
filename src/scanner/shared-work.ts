/** Work that several wait for is done once, and is given up when the last of them does. */

import { untilAborted } from './until-aborted.ts';

interface Shared<T> {
  readonly result: Promise<T>;
  readonly controller: AbortController;
  waiting: number;
}

export interface SharedWork<T> {
  /** Joins the work that is under way for `key`, or begins it. @throws what the work does; the signal's reason */
  run(key: string, signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T>;
}

export function shareWork<T>(): SharedWork<T> {
  const underWay = new Map<string, Shared<T>>();
  const begin = (key: string, work: (signal: AbortSignal) => Promise<T>): Shared<T> => {
    const controller = new AbortController();
    const result = work(controller.signal).finally(() => {
      if (underWay.get(key)?.controller === controller) underWay.delete(key);
    });
    // Each who waits sees it.
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
          // Who comes now begins anew.
          if (underWay.get(key) === shared) underWay.delete(key);
        }
      }
    },
  };
}
