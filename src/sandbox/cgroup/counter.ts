/**
 * A number in a flat keyed control file (`oom_kill 3`) that is asked for again and again, after every call of a
 * function: the file stays open, and is parsed only when its text has changed.
 */
import { closeSync, openSync, readSync } from 'node:fs';

export interface Counter extends Disposable {
  /** Since the group was made; what it was last when the group is gone. */
  read(): number;
}

/** The file may not be there yet. */
export function keyedCounter(file: string, key: string): Counter {
  const bytes = Buffer.alloc(256);
  let descriptor: number | undefined;
  let text = '';
  let value = 0;
  let isClosed = false;
  return {
    read() {
      if (isClosed) return value;
      try {
        descriptor ??= openSync(file, 'r');
        const now = bytes.toString('latin1', 0, readSync(descriptor, bytes, 0, bytes.length, 0));
        if (now !== text) value = valueIn(now, key);
        text = now;
      } catch {
        // Not made yet, or gone.
      }
      return value;
    },
    [Symbol.dispose]() {
      isClosed = true;
      if (descriptor !== undefined) closeSync(descriptor);
    },
  };
}

function valueIn(text: string, key: string): number {
  const line = text.split('\n').find((each) => each.startsWith(`${key} `));
  const value = Number(line?.slice(key.length + 1));
  return Number.isSafeInteger(value) ? value : 0;
}
