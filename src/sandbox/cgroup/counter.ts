/**
 * Reads one number of a flat keyed control file (`oom_kill 3`) after every call of a function. To be cheap, it keeps
 * the file open and parses it only when its text has changed.
 */
import { closeSync, openSync, readSync } from 'node:fs';

export interface Counter extends Disposable {
  /** The count since the group was made, or the last one that was read when the group is gone. */
  read(): number;
}

/** @param file may not exist yet */
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
