/**
 * Sandboxes that have ended and could not be removed completely: a mount is busy, a disk takes no writes. Ward tries
 * again while it runs, at first after a second, then ever more rarely.
 */
import { type Log, messageOf } from '../lib/index.ts';

export interface LeftBehind extends AsyncDisposable {
  /** How many are left. */
  readonly count: number;
  /** @param remove may be called again after it has failed */
  add(sandbox: string, remove: () => Promise<void>): void;
}

interface LeftBehindOptions {
  readonly log: Log;
  /** Gets their number whenever it changes. */
  readonly onCount?: ((count: number) => void) | undefined;
  /** The time until the first retry. */
  readonly firstMs?: number;
}

const mostMs = 60_000;

/** Disposing of it tries every removal once more, and leaves the rest to the next start. */
export function openLeftBehind({ log, onCount, firstMs = 1000 }: LeftBehindOptions): LeftBehind {
  const left = new Map<string, { readonly again: () => Promise<void>; readonly timer: NodeJS.Timeout }>();
  const change = (work: () => void): void => {
    work();
    onCount?.(left.size);
  };
  const plan = (sandbox: string, remove: () => Promise<void>, waitMs: number): void => {
    const again = async (): Promise<void> => {
      try {
        await remove();
        change(() => left.delete(sandbox));
        log.info({ sandbox }, 'removed the remains of a sandbox');
      } catch (error) {
        log.warn({ sandbox, error: messageOf(error) }, 'the remains of a sandbox still can’t be removed');
        if (!isOver) plan(sandbox, remove, Math.min(2 * waitMs, mostMs));
      }
    };
    left.set(sandbox, { again, timer: setTimeout(() => void again(), waitMs).unref() });
  };
  let isOver = false;
  return {
    get count() {
      return left.size;
    },
    add: (sandbox, remove) => change(() => plan(sandbox, remove, firstMs)),
    async [Symbol.asyncDispose]() {
      isOver = true;
      const rest = [...left.values()];
      for (const { timer } of rest) clearTimeout(timer);
      await Promise.all(rest.map(({ again }) => again()));
    },
  };
}
