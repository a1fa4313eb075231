/** Migrations of a database that others use meanwhile. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Kysely, sql } from 'kysely';
import pg from 'pg';
import { expect, test, vi } from 'vitest';
import { migrate } from '../../migrations/index.ts';
import type { Migrations } from '../../migrations/min-reader.ts';
import { transactionOn } from '../databases.fixture.ts';
import { postgresDialect } from '../dialect.ts';
import { postgresMigrations } from '../migrations/index.ts';
import { openDatabase } from '../open-database.ts';
import { openPool } from '../pool.ts';
import { upgrade } from '../upgrade.ts';

const patience = { lockMs: 100, pauseMs: 20, forMs: 10_000, forOtherMs: 10_000 };
const index = 'activations_by_start_kind';

/** @param newUrl of a database without tables */
export function postgresUpgradeTests(newUrl: () => Promise<string>): void {
  /** A database of an older Ward, whose last migration is the given one. */
  const older = async (target: string) => {
    const url = await newUrl();
    const db = new Kysely<unknown>({ dialect: postgresDialect(openPool({ url })) });
    await migrate(db, postgresMigrations, { target });
    await db.destroy();
    return url;
  };

  test('a migration can take longer than any other statement', async () => {
    const found: unknown[] = [];
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const slow: Migrations = {
      '0001-slow': {
        async up(db) {
          const limits = sql`select current_setting('statement_timeout') as statement, current_setting('lock_timeout') as lock`;
          found.push(...(await limits.execute(db)).rows);
          const ended = sql`select pg_sleep(0.1)`.execute(db);
          // It has been sent by then.
          for (let turn = 0; turn < 5; turn++) await nextTurn();
          vi.advanceTimersByTime(3_600_000);
          await ended;
        },
      },
    };
    try {
      const { pool } = await openDatabase({ url: await newUrl() }, slow);
      await pool.close();
    } finally {
      vi.useRealTimers();
    }
    expect(found).toEqual([{ statement: '0', lock: '1s' }]);
  });

  test('an index is built while others write, also when the build was cut off, and when two servers upgrade', async () => {
    const url = await older('0024-usage-slots');
    const reader = new pg.Client(url);
    await reader.connect();
    const write = `insert into namespaces values (gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), '{}', 1);
      update activations set start = 1`;
    const validity = async () =>
      (
        await reader.query(`select indisvalid as valid, pg_get_indexdef(indexrelid) as of from pg_index
        where indexrelid = to_regclass('${index}')`)
      ).rows;
    await reader.query(`create index ${index} on activations (start);
      update pg_index set indisvalid = false where indexrelid = '${index}'::regclass`);
    const other = await transactionOn(url);
    await other.query(write);
    const upgrades = Promise.all([1, 2].map(() => upgrade({ url, patience }, postgresMigrations)));
    await other.untilWaiting(1);
    await reader.query(`set lock_timeout = 1000; ${write}`);
    await other.query('commit');
    await upgrades;
    expect(await validity()).toEqual([{ valid: true, of: expect.stringContaining('prewarmed') }]);
    await Promise.all([reader.end(), other[Symbol.asyncDispose]()]);
  });

  test('a migration does not keep others waiting while it waits for a lock', async () => {
    const url = await older('0026-earlier-code');
    await using dump = await transactionOn(url);
    await using other = await transactionOn(url);
    await dump.query('lock table activation_logs in access share mode');
    const upgraded = upgrade({ url, patience }, postgresMigrations);
    await dump.untilWaiting(1);
    await other.query('insert into activation_logs select null, null where false');
    await other.query('commit');
    await dump.query('commit');
    await upgraded;
  });

  test('a migration that never gets its lock fails, changes nothing, and says what to look for', async () => {
    const url = await older('0026-earlier-code');
    await using dump = await transactionOn(url);
    await dump.query('lock table activation_logs in access share mode');
    const short = { ...patience, forMs: 200 };
    await expect(upgrade({ url, patience: short }, postgresMigrations)).rejects.toMatchObject({
      code: 'STORE_LOCKED',
      message: expect.stringContaining('needs a lock that another session holds'),
      hint: expect.stringContaining('pg_stat_activity'),
    });
    const [last] = await dump.query('select max(name) as name from kysely_migration');
    expect(last).toEqual({ name: '0026-earlier-code' });
  });

  test('a server that upgrades for too long is reported', async () => {
    const url = await newUrl();
    await using other = await transactionOn(url);
    await other.query(`select pg_advisory_lock(3853314791062309107)`);
    const short = { ...patience, forOtherMs: 50 };
    await expect(upgrade({ url, patience: short }, postgresMigrations)).rejects.toMatchObject({
      code: 'STORE_LOCKED',
      message: expect.stringContaining('another server'),
    });
  });
}
