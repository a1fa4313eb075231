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
  sql,
  type TransactionSettings,
} from 'kysely';
import type { SqlValue, Unit, UnitOutcome } from '../batch.ts';
import { storeFault } from '../faults.ts';
import type { SqlWords } from '../sql-words.ts';
import { startKindOf } from '../start-kind.ts';
import type { DatabaseThread } from './thread.ts';

export const sqliteWords: SqlWords = {
  now: sql`cast(unixepoch('subsec') * 1000 as integer)`,
  listed: (texts) => sql`(select value from json_each(${JSON.stringify(texts)}))`,
  startKind: startKindOf('instr'),
  // A transaction that writes has the database for itself.
  locked: sql``,
  unlocked: sql``,
};

export interface SqliteThreadDialect extends Dialect {
  /** A batch, kept apart from open transactions of other callers. */
  batch(units: readonly Unit[]): Promise<readonly UnitOutcome[]>;
}

export function sqliteThreadDialect(thread: DatabaseThread): SqliteThreadDialect {
  const turns = new Turns();
  return {
    createDriver: () => new ThreadDriver(thread, turns),
    createQueryCompiler: () => new SqliteQueryCompiler(),
    createAdapter: () => new ThreadAdapter(),
    createIntrospector: (db) => new SqliteIntrospector(db),
    async batch(units) {
      await turns.mine(undefined);
      return thread.batch(units);
    },
  };
}

class ThreadAdapter extends SqliteAdapter {
  /** SQLite can roll schema changes back. So migrations run in one transaction, which is also their lock. */
  override get supportsTransactionalDdl(): boolean {
    return true;
  }

  /**
   * There is one connection, and this driver schedules its use. Kysely would pass one statement at a time, and wake up all
   * waiters after each: of five thousand waiters, the last would be woken up five thousand times.
   */
  override get supportsMultipleConnections(): boolean {
    return true;
  }
}

interface Waiting {
  readonly takes: object | undefined;
  readonly resolve: () => void;
}

/**
 * The database has one connection. A caller that opens a transaction has it alone until the end; outside of
 * transactions, the statements of all callers pass at once. Waiting callers get their turn in the order of arrival.
 */
class Turns {
  #owner: object | undefined;
  #waiting: Waiting[] = [];

  /** Settles when `who` may run a statement. */
  mine(who: object | undefined): Promise<void> {
    if (this.#owner !== undefined && this.#owner === who) return Promise.resolve();
    return this.#wait(undefined);
  }

  /** Settles when no other caller may. */
  take(who: object): Promise<void> {
    return this.#wait(who);
  }

  release(who: object): void {
    if (this.#owner !== who) return;
    this.#owner = undefined;
    this.#letIn();
  }

  #wait(takes: object | undefined): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push({ takes, resolve });
      this.#letIn();
    });
  }

  #letIn(): void {
    if (this.#owner !== undefined) return;
    const untilTaken = this.#waiting.findIndex(({ takes }) => takes !== undefined) + 1;
    for (const { takes, resolve } of this.#waiting.splice(0, untilTaken || this.#waiting.length)) {
      this.#owner = takes;
      resolve();
    }
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
      // Takes the write lock now, since SQLite can't wait for it half-way through.
      const begin = settings.accessMode === 'read only' ? 'begin' : 'begin immediate';
      await connection.executeQuery(CompiledQuery.raw(begin));
    } catch (error) {
      this.#turns.release(connection);
      throw error;
    }
  }

  /** A failed commit leaves the transaction open; Kysely rolls it back next. */
  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('commit'));
    this.#turns.release(connection);
  }

  /** SQLite can have rolled back by itself when the disk failed: callers must get the first error. */
  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    try {
      await connection.executeQuery(CompiledQuery.raw('rollback'));
    } catch {
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
    // The query declares the type of its rows: Kysely's own drivers trust it in the same way.
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
