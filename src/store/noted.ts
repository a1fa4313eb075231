/** Entries of the audit log, in the transactions of the changes that they name. */
import type { Kysely } from 'kysely';
import { hashOf, type JsonValue } from '../lib/index.ts';
import type { BatchStep } from './batch.ts';
import { repeated } from './conflicts.ts';
import { parseObject } from './documents.ts';
import { entryOf } from './noted-entry.ts';
import type { Schema } from './schema.ts';
import { statement, step } from './statements.ts';
import type { NotedChange, UnsealedEntries } from './types/unsealed.ts';

/** Limits the parameters of one statement. */
const rowsAtOnce = 200;

export function unsealedEntries(db: Kysely<Schema>): UnsealedEntries {
  return {
    async read(limit) {
      const rows = await db.selectFrom('unsealed_entries').selectAll().orderBy('seq').limit(limit).execute();
      return rows.map(({ seq, id, entry }) => ({ seq, id, entry: parseObject(entry) }));
    },
    async drop(entries) {
      for (let at = 0; at < entries.length; at += rowsAtOnce) {
        const seqs = entries.slice(at, at + rowsAtOnce).map(({ seq }) => seq);
        await db.deleteFrom('unsealed_entries').where('seq', 'in', seqs).execute();
      }
    },
    add: (change) => note(db, [change]),
  };
}

/** Call it in the transaction of the changes. */
export async function note(db: Kysely<Schema>, changes: readonly NotedChange[]): Promise<void> {
  for (let at = 0; at < changes.length; at += rowsAtOnce) {
    const rows = changes.slice(at, at + rowsAtOnce).map(entryOf);
    await db.insertInto('unsealed_entries').values(rows).execute();
  }
}

/** The same as a step of a unit. It is skipped when a step before it has changed nothing. */
export function noteStep(db: Kysely<Schema>): (change: NotedChange) => BatchStep {
  const insert = statement(db.insertInto('unsealed_entries').values({ id: '', entry: '' }));
  return (change) => {
    const { id, entry } = entryOf(change);
    return step(insert, [id, entry]);
  };
}

/**
 * Runs `work` in a transaction: in the one that `db` is, if it is one. Else `work` runs again when other transactions were
 * in its way, so it must only work in the database.
 */
export function inTransaction<T>(db: Kysely<Schema>, work: (db: Kysely<Schema>) => Promise<T>): Promise<T> {
  return db.isTransaction ? work(db) : repeated(() => db.transaction().execute(work));
}

/** The digest of what an entry says was, or is, stored. */
export function digestOf(value: JsonValue): string {
  return `sha256:${hashOf(value)}`;
}
