/** A scan that takes too long has failed: an author who can make it slow must not pass for that. */
import { scannerFault } from '../faults.ts';

/**
 * Runs `work` with a signal that also ends with the time.
 * @throws Fault SCAN_TIMED_OUT; what `work` throws
 */
export async function withinTime<T>(
  timeoutMs: number,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const timeout = new AbortController();
  const timer = setTimeout(() => {
    timeout.abort(scannerFault('SCAN_TIMED_OUT', `it could not be read within ${timeoutMs / 1000} s`));
  }, timeoutMs);
  try {
    return await work(AbortSignal.any([signal, timeout.signal]));
  } finally {
    clearTimeout(timer);
  }
}
