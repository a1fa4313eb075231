/** Transactions of one connection. */
import { repeated } from '../conflicts.ts';
import type { Connection, Pool } from './pool.ts';

type Run<T> = (connection: Connection) => Promise<T>;

/**
 * Commits all that `run` does, or nothing. Runs it again when other transactions were in its way, so `run` must only
 * work in the database.
 * @throws the client's own error
 */
export function transaction<T>(pool: Pool, run: Run<T>): Promise<T> {
  return repeated(() => once(pool, run));
}

/** The same for a single statement, which is a transaction by itself: it saves two round trips. */
export function singly<T>(pool: Pool, run: Run<T>): Promise<T> {
  return repeated(async () => {
    const connection = await pool.connect();
    try {
      const result = await run(connection);
      await connection.sent();
      return result;
    } finally {
      connection.release();
    }
  });
}

async function once<T>(pool: Pool, run: Run<T>): Promise<T> {
  const connection = await pool.connect();
  let isBroken = false;
  try {
    await connection.raw('begin');
    const result = await run(connection);
    await connection.raw('commit');
    return result;
  } catch (error) {
    await connection.raw('rollback').catch(() => {
      isBroken = true;
    });
    throw error;
  } finally {
    connection.release(isBroken);
  }
}
