/** Kysely's PostgreSQL dialect over the pool. Everything but the driver is Kysely's own. */
import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryResult,
  sql,
} from 'kysely';
import { storeFault } from '../faults.ts';
import type { SqlWords } from '../sql-words.ts';
import { startKindOf } from '../start-kind.ts';
import type { Connection, Pool } from './pool.ts';
import { faultOf } from './sql-state.ts';

export const postgresWords: SqlWords = {
  now: sql`(extract(epoch from clock_timestamp()) * 1000)::bigint`,
  listed: (texts) => sql`(select unnest(${texts}::text[]))`,
  startKind: startKindOf('strpos'),
  locked: sql`for update`,
  unlocked: sql`for update skip locked`,
};

export function postgresDialect(pool: Pool): Dialect {
  return {
    createDriver: () => new PoolDriver(pool),
    createQueryCompiler: () => new PostgresQueryCompiler(),
    createAdapter: () => new PostgresAdapter(),
    createIntrospector: (db) => new PostgresIntrospector(db),
  };
}

class PoolDriver implements Driver {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<PoolConnection> {
    return new PoolConnection(await this.#pool.connect(), this.#pool.where);
  }

  async beginTransaction(connection: PoolConnection): Promise<void> {
    await connection.raw('begin');
  }

  async commitTransaction(connection: PoolConnection): Promise<void> {
    await connection.raw('commit');
  }

  /** Callers get the first error. */
  async rollbackTransaction(connection: PoolConnection): Promise<void> {
    await connection.raw('rollback').catch(() => {
      connection.isBroken = true;
    });
  }

  async releaseConnection(connection: PoolConnection): Promise<void> {
    connection.release();
  }

  async destroy(): Promise<void> {
    await this.#pool.close();
  }
}

class PoolConnection implements DatabaseConnection {
  isBroken = false;
  readonly #connection: Connection;
  readonly #where: string;

  constructor(connection: Connection, where: string) {
    this.#connection = connection;
    this.#where = where;
  }

  async raw(text: string, values: readonly unknown[] = []) {
    try {
      return await this.#connection.raw(text, values);
    } catch (error) {
      throw faultOf(error, this.#where);
    }
  }

  async executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    const { rows, rowCount } = await this.raw(query.sql, query.parameters);
    // The query declares the type of its rows: Kysely's own drivers trust it in the same way.
    return { rows: rows as Row[], numAffectedRows: BigInt(rowCount) };
  }

  // biome-ignore lint/correctness/useYield: Kysely wants the method; the store pages instead of streaming.
  async *streamQuery<Row>(): AsyncIterableIterator<QueryResult<Row>> {
    throw storeFault('STORE_FAILED', 'the PostgreSQL store does not stream');
  }

  release(): void {
    this.#connection.release(this.isBroken);
  }
}
