/**
 * Migrates the tables of one schema, while servers of the version before use them.
 *
 * A migration that waits for the lock of a table makes everyone behind it wait, too. So it waits for a moment only, goes
 * back, and tries again. Indexes of tables that may be large are built before their migrations, concurrently.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Kysely, sql } from 'kysely';
import { isFault } from '../../lib/index.ts';
import { storeFault } from '../faults.ts';
import { migrate, migrationsIn, type OnNewer } from '../migrations/index.ts';
import { indexSteps } from '../migrations/indexes.ts';
import type { Migrations } from '../migrations/min-reader.ts';
import { postgresDialect } from './dialect.ts';
import { openPool } from './pool.ts';
import { isPassing } from './sql-state.ts';

interface Patience {
  /** How long a statement, and those behind it, wait for a lock. */
  readonly lockMs: number;
  /** Between two attempts, so that the others get on. */
  readonly pauseMs: number;
  /** For one migration or index. */
  readonly forMs: number;
  /** For another server, which may build an index. */
  readonly forOtherMs: number;
}

const usual: Patience = { lockMs: 1000, pauseMs: 3000, forMs: 10 * 60_000, forOtherMs: 60 * 60_000 };

interface UpgradeOptions {
  readonly url: string;
  readonly schema?: string | undefined;
  readonly onNewer?: OnNewer | undefined;
  readonly patience?: Patience;
}

/** @throws Fault STORE_LOCKED when a lock stays taken, STORE_NEWER, and what else the database refuses */
export async function upgrade(
  { url, schema, onNewer, patience = usual }: UpgradeOptions,
  known: Migrations,
): Promise<void> {
  const pool = openPool({ url, schema, lockTimeoutMs: patience.lockMs });
  const db = new Kysely<unknown>({ dialect: postgresDialect(pool) });
  try {
    // One session: the lock among servers lasts as long as what it does, even if this process is killed meanwhile.
    await db.connection().execute(async (session) => {
      await lockOutOthers(session, patience, pool.where);
      const patiently = (work: () => Promise<void>) => retried(work, patience, pool.where);
      for (const { after, indexes } of indexSteps(known, await migrationsIn(session, schema))) {
        if (after !== undefined)
          await patiently(() => migrate(session, known, { schema, onNewer, target: after }));
        for (const [name, on] of Object.entries(indexes))
          await patiently(() => buildIndex(session, name, on, patience));
      }
      await patiently(() => migrate(session, known, { schema, onNewer }));
    });
  } finally {
    await pool.close();
  }
}

/** Kysely's own, which it takes once more in this session. Wards that know only that one wait, too. */
const migrationLock = '3853314791062309107';

/** Asks again and again: a concurrent build waits for each statement that is older, so also for one that waits for it. */
async function lockOutOthers(db: Kysely<unknown>, { pauseMs, forOtherMs }: Patience, where: string) {
  const end = performance.now() + forOtherMs;
  for (let pause = 20; ; pause = Math.min(2 * pause, pauseMs)) {
    const { rows } = await sql<{ isMine: boolean }>`
      select pg_try_advisory_lock(${sql.lit(migrationLock)}::bigint) as "isMine"`.execute(db);
    if (rows[0]?.isMine === true) return;
    if (performance.now() > end)
      throw storeFault('STORE_LOCKED', `another server has not ended its upgrade of ${where}`, { hint });
    await sleep(pause);
  }
}

const hint =
  'Let the other session end, such as a pg_dump or a transaction that was left open. Find it with: select pid, application_name, xact_start, query from pg_stat_activity order by xact_start';

async function retried(work: () => Promise<void>, { pauseMs, forMs }: Patience, where: string) {
  const end = performance.now() + forMs;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!isFault(error, 'STORE_LOCKED') || !isPassing(error.cause)) throw error;
      const text = `the upgrade of ${where} needs a lock that another session holds`;
      if (performance.now() > end) throw storeFault('STORE_LOCKED', text, { hint, cause: error });
    }
    await sleep(pauseMs * (0.5 + Math.random() / 2));
  }
}

/** Does nothing where it is complete. One whose build was cut off only costs time, and is replaced. */
async function buildIndex(db: Kysely<unknown>, name: string, on: string, { forMs }: Patience): Promise<void> {
  const { rows } = await sql<{ isValid: boolean }>`
    select indisvalid as "isValid" from pg_index where indexrelid = to_regclass(${name})`.execute(db);
  if (rows[0]?.isValid === true) return;
  // No one waits for this one, which waits for all transactions that are open.
  await sql`set lock_timeout = ${sql.lit(forMs)}`.execute(db);
  await sql`drop index concurrently if exists ${sql.id(name)}`.execute(db);
  await sql`create index concurrently ${sql.id(name)} on ${sql.raw(on)}`.execute(db);
  await sql`reset lock_timeout`.execute(db);
}
