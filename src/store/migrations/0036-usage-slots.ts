/**
 * Calls, failures, cold starts and durations of each namespace in short stretches of time: added up in the transactions
 * that write the records, so that a look at all namespaces reads no records. The same on both engines.
 */
import { type Kysely, sql } from 'kysely';

/** Calls that an older Ward runs are not counted. */
export const isExpandOnly = true;

/** As many as `durationBands` says. */
const bands = 40;

export async function up(db: Kysely<unknown>): Promise<void> {
  const columns = Array.from(
    { length: bands },
    (_, band) => sql`${sql.ref(`band_${band}`)} bigint not null default 0`,
  );
  await sql`
    create table usage_slots (
      minutes integer not null, namespace text not null, born bigint not null, slot bigint not null,
      calls bigint not null, failed bigint not null, cold_starts bigint not null, ${sql.join(columns)},
      primary key (minutes, namespace, born, slot))
  `.execute(db);
}
