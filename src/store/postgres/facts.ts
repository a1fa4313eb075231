/** Facts about a database that several servers share, and a lock among them. */
import { type Kysely, sql } from 'kysely';
import { storeFault } from '../faults.ts';
import type { Pool } from './pool.ts';
import { faultOf } from './sql-state.ts';

export interface SharedFacts {
  /** Identifies the database. A copy keeps it. @throws Fault STORE_CORRUPT when it has none */
  id(): Promise<string>;
  /** A text by which a server notices that its keys differ; undefined until the first one has written it. */
  keyCheck(): Promise<string | undefined>;
  setKeyCheck(text: string): Promise<void>;
}

const idHint = 'restore a dump; its table facts has the id';

/** Any number that Ward uses for nothing else. */
const startLock = 0x57_41_52_44;

export function sharedFacts<Tables>(db: Kysely<Tables>): SharedFacts {
  const read = async (name: string): Promise<string | undefined> => {
    const { rows } = await sql<{ value: string }>`select value from facts where name = ${name}`.execute(db);
    return rows[0]?.value;
  };
  return {
    async id() {
      const id = await read('id');
      // Folders could not tell databases without an id from each other.
      if (!id) throw storeFault('STORE_CORRUPT', 'the database has lost its id', { hint: idHint });
      return id;
    },
    keyCheck: () => read('key check'),
    async setKeyCheck(text) {
      await sql`insert into facts values ('key check', ${text}) on conflict (name) do update set value = excluded.value`.execute(
        db,
      );
    },
  };
}

/**
 * Does `work` while no other server does such work on the same database. The lock ends with its connection.
 * @throws Fault STORE_LOCKED when another server takes too long
 */
export async function alone<T>(pool: Pool, work: () => Promise<T>): Promise<T> {
  const connection = await pool.connect();
  try {
    await connection.raw('select pg_advisory_lock($1)', [startLock]).catch((error: unknown) => {
      throw faultOf(error, pool.where);
    });
    return await work();
  } finally {
    // Also ends the lock when the work has failed.
    connection.release(true);
  }
}
