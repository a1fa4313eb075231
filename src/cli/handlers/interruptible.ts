/** Runs long work that cleans up when the user interrupts it. */
import type { Io } from '../io.ts';

/** Exit code of a shell after SIGINT. */
export const exitInterrupted = 130;

/**
 * Says what became of work that the user interrupted.
 * @param hint what to do next
 * @returns the exit code
 */
export function tellInterrupted(io: Io, what: string, hint: string): number {
  io.problem('INTERRUPTED', what, { hint });
  return exitInterrupted;
}

/** Resolves to undefined when the user interrupted the work. A second signal ends the process at once. */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T | undefined> {
  const controller = new AbortController();
  const stop = () => controller.abort();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stop);
  try {
    return await work(controller.signal);
  } catch (error) {
    if (controller.signal.aborted) return undefined;
    throw error;
  } finally {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, stop);
  }
}
