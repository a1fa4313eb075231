/** Transactions that were in each other's way. */
import { setTimeout as sleep } from 'node:timers/promises';
import { isFault } from '../lib/index.ts';

const attempts = 5;
/** Before the second attempt, at most; doubled with each further one. */
const pauseMs = 10;

/** Codes of PostgreSQL: a deadlock, or transactions that can't be serialised. The same transaction can succeed at once. */
const conflicts: readonly unknown[] = ['40001', '40P01'];

/** @param error the client's own, or the fault of which it is the cause */
export function isConflict(error: unknown): boolean {
  const own = isFault(error) ? error.cause : error;
  return typeof own === 'object' && own !== null && 'code' in own && conflicts.includes(own.code);
}

/**
 * Runs a transaction again when others were in its way, so `run` must only work in the database.
 * @throws the last error
 */
export async function repeated<T>(run: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await run();
    } catch (error) {
      if (attempt === attempts || !isConflict(error)) throw error;
    }
    // At different times: otherwise the same ones meet again.
    await sleep(Math.random() * pauseMs * 2 ** (attempt - 1));
  }
}
