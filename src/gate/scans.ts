/**
 * Scans under way: one per subject, so many at a time, and none for ever. A scan that takes too long is given up by who
 * waits for it; it keeps its place until it ends, so that places can't be multiplied by waiting.
 */
import type { Digest } from '../blobs/index.ts';
import { withTimeout } from '../lib/index.ts';
import type { Report } from '../scanner/index.ts';
import { gateFault } from './faults.ts';

export interface ScanLimits {
  /** At a time. */
  readonly concurrent: number;
  /** Further ones that may wait. */
  readonly waiting: number;
  readonly timeoutMs: number;
}

export interface Scans {
  /**
   * What this scan of the subject finds; who asks meanwhile gets the same report. Rejects when the scan does, or when it
   * takes too long.
   * @throws Fault GATE_BUSY, GATE_STOPPING
   */
  scan(digest: Digest, start: (signal: AbortSignal) => Promise<Report>): Promise<Report>;
  /** Gives up those under way and those that wait, and all that come; settles when none is left. */
  end(): Promise<void>;
}

export function createScans({ concurrent, waiting, timeoutMs }: ScanLimits): Scans {
  const flights = new Map<Digest, Promise<Report>>();
  const queue: (() => void)[] = [];
  const ending = new AbortController();
  let running = 0;

  const enter = async (): Promise<void> => {
    if (running < concurrent) {
      running++;
      return;
    }
    await new Promise<void>((resolve) => queue.push(resolve));
  };
  const leave = () => {
    const next = queue.shift();
    if (next === undefined) running--;
    else next();
  };
  const fly = async (digest: Digest, start: (signal: AbortSignal) => Promise<Report>): Promise<Report> => {
    await enter();
    try {
      ending.signal.throwIfAborted();
      return await start(ending.signal);
    } catch (error) {
      // Whatever it says now is no word about what was scanned.
      ending.signal.throwIfAborted();
      throw error;
    } finally {
      flights.delete(digest);
      leave();
    }
  };

  return {
    scan(digest, start) {
      let flight = flights.get(digest);
      if (flight === undefined) {
        if (running >= concurrent && queue.length >= waiting) {
          throw gateFault('GATE_BUSY', `${waiting} scans wait already`, { hint: 'try again in a minute' });
        }
        flight = fly(digest, start);
        flights.set(digest, flight);
      }
      return withTimeout(flight, timeoutMs, () => {
        throw new Error(`it took longer than ${timeoutMs / 1000} s`);
      });
    },
    async end() {
      ending.abort(gateFault('GATE_STOPPING', 'Ward is being stopped', { hint: 'try again in a minute' }));
      await Promise.allSettled(flights.values());
    },
  };
}
