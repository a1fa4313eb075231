/** The keeper's half of starts that are made ready: processes on the server's streams that wait to be its next sandboxes. */
import { type ReadyProcess, sandboxFault, startReady } from '../sandbox/index.ts';
import type { StreamDoor } from './stream-door.ts';

export interface ReadyStarts {
  /** On the streams of this run. @throws Fault SANDBOX_START_FAILED */
  make(run: number): Promise<void>;
  /** The one that was made on this run's streams; it is the caller's. @throws Fault SANDBOX_START_FAILED when it is gone */
  take(run: number): ReadyProcess;
  /** Ends those that nobody has taken. */
  close(): void;
}

/** The server wants one. */
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
        throw sandboxFault('SANDBOX_START_FAILED', 'too many processes wait to be sandboxes');
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
        throw sandboxFault('SANDBOX_START_FAILED', 'the process that was to be a sandbox has ended');
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
