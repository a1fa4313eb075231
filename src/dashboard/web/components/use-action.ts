/** Does something when a button is pressed: once at a time, and its errors stay until they are read. */
import { useState } from 'preact/hooks';
import { report, tell } from './messages.ts';

export interface Action {
  readonly isBusy: boolean;
  /** @param done what to say afterwards */
  readonly run: (work: () => Promise<unknown>, done: string) => void;
}

export function useAction(): Action {
  const [isBusy, setBusy] = useState(false);
  const run = async (work: () => Promise<unknown>, done: string): Promise<void> => {
    setBusy(true);
    try {
      await work();
      tell(done);
    } catch (error) {
      report(error);
    }
    setBusy(false);
  };
  return { isBusy, run: (work, done) => void run(work, done) };
}
