/**
 * Limits scans: one per subject, a few at a time, each with a time-out. After the time-out the caller gives up, but the
 * scan keeps its place until it ends, so repeated requests can't take more places.
 */
import type { Digest } from '../blobs/index.ts';
import { withTimeout } from '../lib/index.ts';
import type { Report } from '../scanner/index.ts';
import { gateFault } from './faults.ts';

export interface ScanLimits {
  /** Most scans at a time. */
  readonly concurrent: number;
  /** Most scans that may wait. */
  readonly waiting: number;
  readonly timeoutMs: number;
}

export interface Scans {
  /**
   * Scans the subject; further callers share the scan under way. Rejects when the scan fails or takes too long.
   * @throws Fault GATE_BUSY, GATE_STOPPING
   */
  scan(digest: Digest, start: (signal: AbortSignal) => Promise<Report>): Promise<Report>;
  /** Aborts running, waiting and later scans; resolves when the last one has ended. */
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
      // After an abort, the error says nothing about the scanned content.
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
