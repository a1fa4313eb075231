/** Tells other servers regularly which code the activations of this one need, so that they do not remove it. */
import { type Log, messageOf } from '../../lib/index.ts';
import type { CodeStore } from './code-store.ts';

interface KeepCodeOptions {
  readonly code: Pick<CodeStore, 'keep'>;
  /** Code that was not kept for this long can be removed. */
  readonly graceMs: number;
  readonly log: Log;
}

/** One may fail, and one be late. */
const timesPerGrace = 4;

/** Has a timer of its own: a sweep can take longer than the grace period. */
export function keepCode({ code, graceMs, log }: KeepCodeOptions): Disposable {
  let isKeeping = false;
  const keep = async () => {
    if (isKeeping) return;
    isKeeping = true;
    await code.keep().catch((error: unknown) => {
      log.warn({ reason: messageOf(error) }, 'other servers were not told which code is needed');
    });
    isKeeping = false;
  };
  const timer = setInterval(() => void keep(), graceMs / timesPerGrace);
  timer.unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
