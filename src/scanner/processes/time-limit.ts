/** Makes a scan that takes too long fail, so that no one passes the gate by slow content. */
import { scannerFault } from '../faults.ts';

/**
 * Runs `work` with a signal that is also aborted when the time is over.
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
