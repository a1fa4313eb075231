/** The keeper's half of prepared starts: processes that wait on the server's streams to become its next sandboxes. */
import { type ReadyProcess, sandboxFault, startReady } from '../sandbox/index.ts';
import type { StreamDoor } from './stream-door.ts';

export interface ReadyStarts {
  /** Starts a process on the streams of this run. @throws Fault SANDBOX_START_FAILED */
  make(run: number): Promise<void>;
  /**
   * Hands over the process on this run's streams to the caller. @throws Fault SANDBOX_START_FAILED when it has ended
   */
  take(run: number): ReadyProcess;
  /** Ends the processes that were not taken. */
  close(): void;
}

/** The server needs only one. */
const most = 4;

export function openReadyStarts(door: StreamDoor): ReadyStarts {
  const waiting = new Map<number, ReadyProcess | undefined>();
  let isClosed = false;

  async function start(run: number): Promise<ReadyProcess> {
    const streams = await door.take(run, 4);
    try {
      return await startReady(streams);
    } finally {
      for (const stream of streams) stream.destroy();
    }
  }

  return {
    async make(run) {
      if (waiting.has(run) || waiting.size >= most) {
        throw sandboxFault('SANDBOX_START_FAILED', 'too many processes wait to become sandboxes');
      }
      waiting.set(run, undefined);
      let made: ReadyProcess;
      try {
        made = await start(run);
      } catch (error) {
        waiting.delete(run);
        throw error;
      }
      if (isClosed) return made.end();
      waiting.set(run, made);
      void made.exited.then(() => waiting.get(run) === made && waiting.delete(run));
    },
    take(run) {
      const made = waiting.get(run);
      if (made === undefined) {
        throw sandboxFault('SANDBOX_START_FAILED', 'the process that should become a sandbox has ended');
      }
      waiting.delete(run);
      return made;
    },
    close() {
      isClosed = true;
      for (const made of waiting.values()) made?.end();
      waiting.clear();
    },
  };
}
