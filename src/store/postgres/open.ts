/** Opens the store in a PostgreSQL database, and creates the parts. */
import { groupWriter } from '../group-writer.ts';
import { writeUnder } from '../leases.ts';
import { storeParts } from '../parts.ts';
import type { Schema } from '../schema.ts';
import type { Lease, LeasedWrites } from '../types/leases.ts';
import type { RecordingTrouble, Store } from '../types/store.ts';
import { batches } from './batch.ts';
import { postgresChanges } from './changes.ts';
import { postgresWords } from './dialect.ts';
import { alone, type SharedFacts, sharedFacts } from './facts.ts';
import { postgresMigrations } from './migrations/index.ts';
import { type DatabaseOptions, openDatabase } from './open-database.ts';

export interface PostgresStoreOptions extends DatabaseOptions {
  /** Called when writes begin to fail, and when they succeed again. */
  readonly onRecording?: (trouble: RecordingTrouble | undefined) => void;
}

export interface PostgresStore extends Store {
  readonly facts: SharedFacts;
  under(lease: Lease): LeasedWrites & { readonly facts: Pick<SharedFacts, 'setKeyCheck'> };
  /** Does `work` while no other server does such work on the same database. @throws Fault STORE_LOCKED */
  alone<T>(work: () => Promise<T>): Promise<T>;
}

/** Takes a transaction number, which a server that takes no writes refuses, and changes no row. */
const probe = [{ statement: { sql: 'select pg_current_xact_id()', arity: 0 }, values: [] }];

/**
 * Several servers can have the database open at a time.
 * @throws Fault those of `openDatabase`
 */
export async function openPostgresStore(options: PostgresStoreOptions): Promise<PostgresStore> {
  const { pool, db } = await openDatabase<Schema>(options, postgresMigrations);
  const { run, close: closeBatches } = batches(pool);
  const writer = groupWriter(run, { probe, onRecording: options.onRecording });
  let closing: Promise<void> | undefined;
  const close = () =>
    (closing ??= writer
      .flush()
      .then(closeBatches)
      .catch(() => {})
      .then(() => pool.close()));
  const parts = storeParts(db, writer, postgresWords);
  return {
    ...parts,
    facts: sharedFacts(db),
    under: (lease) => ({
      ...parts.under(lease),
      facts: { setKeyCheck: (text) => writeUnder(db, lease, (on) => sharedFacts(on).setKeyCheck(text)) },
    }),
    alone: (work) => alone(pool, work),
    changes: postgresChanges(db, pool),
    close,
    [Symbol.asyncDispose]: close,
  };
}
