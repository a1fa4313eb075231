/** Indexes that a migration adds to tables that may be large. */
import { type Kysely, sql } from 'kysely';

/** Name → table, columns and condition. */
export type Indexes = Readonly<Record<string, string>>;

/** Makes those that are missing. No one can write to their tables until the transaction ends. */
export async function createIndexes(db: Kysely<unknown>, indexes: Indexes): Promise<void> {
  for (const [name, on] of Object.entries(indexes))
    await sql`create index if not exists ${sql.id(name)} on ${sql.raw(on)}`.execute(db);
}

type Indexed = Readonly<Record<string, { readonly indexes?: Indexes }>>;

interface IndexStep {
  /** The migration that must have run before; undefined if it has. */
  readonly after: string | undefined;
  readonly indexes: Indexes;
}

/**
 * What can be built before its migration runs, in order.
 * @param ran names of the migrations that have run. Where there are none, the tables are new: nothing is worth it.
 */
export function indexSteps(known: Indexed, ran: readonly string[]): readonly IndexStep[] {
  const names = Object.keys(known);
  if (ran.length === 0 || !ran.every((name) => Object.hasOwn(known, name))) return [];
  return Object.entries(known).flatMap(([name, { indexes }], at) => {
    if (indexes === undefined || ran.includes(name)) return [];
    const before = names[at - 1];
    return [{ after: before === undefined || ran.includes(before) ? undefined : before, indexes }];
  });
}
