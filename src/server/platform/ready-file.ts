/**
 * Tells the machine by a file whether an invoker takes calls. It listens on no port, so nothing can ask it: what
 * replaces invokers one after the other looks whether the file exists.
 */
import { rmSync, writeFileSync } from 'node:fs';
import { type Log, messageOf } from '../../lib/index.ts';

interface ReadyFileOptions {
  /** It does not exist yet. */
  readonly file: string;
  readonly isReady: () => boolean;
  readonly log: Log;
}

const lookMs = 500;

/** Its disposal removes the file. */
export function keepReadyFile({ file, isReady, log }: ReadyFileOptions): Disposable {
  let exists = false;
  const show = (wanted: boolean) => {
    if (wanted === exists) return;
    try {
      if (wanted) writeFileSync(file, '');
      else rmSync(file, { force: true });
      exists = wanted;
    } catch (error) {
      log.warn({ reason: messageOf(error) }, 'cannot tell the machine whether this node takes calls');
    }
  };
  show(isReady());
  const timer = setInterval(() => show(isReady()), lookMs);
  return {
    [Symbol.dispose]() {
      clearInterval(timer);
      show(false);
    },
  };
}
