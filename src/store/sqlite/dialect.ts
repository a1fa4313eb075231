/** Kysely's SQLite dialect over the database thread. Everything but the driver is Kysely's own. */
import {
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  type TransactionSettings,
} from 'kysely';
import type { SqlValue, Unit, UnitOutcome } from '../batch.ts';
import { storeFault } from '../faults.ts';
import type { DatabaseThread } from './thread.ts';

export interface SqliteThreadDialect extends Dialect {
  /** A batch, kept out of other people's open transactions. */
  batch(units: readonly Unit[]): Promise<readonly UnitOutcome[]>;
}

export function sqliteThreadDialect(thread: DatabaseThread): SqliteThreadDialect {
  const turns = new Turns();
  return {
    createDriver: () => new ThreadDriver(thread, turns),
    createQueryCompiler: () => new SqliteQueryCompiler(),
    createAdapter: () => new TransactionalDdlAdapter(),
    createIntrospector: (db) => new SqliteIntrospector(db),
    async batch(units) {
      await turns.mine(undefined);
      return thread.batch(units);
    },
  };
}

/** SQLite can roll schema changes back. Migrations then run in one transaction, which is also their lock. */
class TransactionalDdlAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}

/**
 * There is one connection. Whoever opens a transaction has it alone until its end; outside of that, statements
 * of all callers go straight through, in order.
 */
class Turns {
  #owner: object | undefined;
  #freed: Promise<void> = Promise.resolve();
  #free: () => void = () => {};

  /** Settles when `who` may run a statement. */
  async mine(who: object | undefined): Promise<void> {
    while (this.#owner !== undefined && this.#owner !== who) await this.#freed;
  }

  async take(who: object): Promise<void> {
    await this.mine(undefined);
    this.#owner = who;
    this.#freed = new Promise((resolve) => {
      this.#free = resolve;
    });
  }

  release(who: object): void {
    if (this.#owner !== who) return;
    this.#owner = undefined;
    this.#free();
  }
}

class ThreadDriver implements Driver {
  readonly #thread: DatabaseThread;
  readonly #turns: Turns;

  constructor(thread: DatabaseThread, turns: Turns) {
    this.#thread = thread;
    this.#turns = turns;
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<DatabaseConnection> {
    return new ThreadConnection(this.#thread, this.#turns);
  }

  async beginTransaction(connection: DatabaseConnection, settings: TransactionSettings): Promise<void> {
    await this.#turns.take(connection);
    try {
      // Taking the write lock now, since SQLite can't wait for it half-way through.
      const begin = settings.accessMode === 'read only' ? 'begin' : 'begin immediate';
      await connection.executeQuery(CompiledQuery.raw(begin));
    } catch (error) {
      this.#turns.release(connection);
      throw error;
    }
  }

  /** A commit that failed leaves the transaction open; Kysely rolls it back next. */
  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('commit'));
    this.#turns.release(connection);
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    try {
      await connection.executeQuery(CompiledQuery.raw('rollback'));
    } finally {
      this.#turns.release(connection);
    }
  }

  async releaseConnection(): Promise<void> {}

  async destroy(): Promise<void> {
    await this.#thread.close();
  }
}

class ThreadConnection implements DatabaseConnection {
  readonly #thread: DatabaseThread;
  readonly #turns: Turns;

  constructor(thread: DatabaseThread, turns: Turns) {
    this.#thread = thread;
    this.#turns = turns;
  }

  async executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    await this.#turns.mine(this);
    const { rows, changes } = await this.#thread.query(query.sql, query.parameters.map(sqlValue));
    // The rows' type is what the query says that it selects: Kysely's own drivers trust it the same way.
    return { rows: rows as Row[], numAffectedRows: BigInt(changes) };
  }

  // biome-ignore lint/correctness/useYield: Kysely wants the method; the store pages instead of streaming.
  async *streamQuery<Row>(): AsyncIterableIterator<QueryResult<Row>> {
    throw storeFault('STORE_FAILED', 'the SQLite store does not stream');
  }
}

function sqlValue(value: unknown): SqlValue {
  if (value === null || typeof value === 'string' || typeof value === 'number') return value;
  throw storeFault('STORE_FAILED', `a parameter of a query is a ${typeof value}`);
}
