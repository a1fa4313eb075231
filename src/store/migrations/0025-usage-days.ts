/**
 * What each namespace used on each day: added up in the transactions that write the records, so that the sums are exact
 * and outlive the records. A record says what was counted of it; a server of an older release writes neither, and its
 * calls are not counted. The same on both engines.
 */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table activations add column mib_ms bigint`.execute(db);
  await sql`alter table activations add column cold integer`.execute(db);
  await sql`
    create table usage_days (
      day integer not null, namespace text not null, born bigint not null,
      calls bigint not null, unrecorded bigint not null, mib_ms bigint not null, cold_starts bigint not null,
      primary key (day, namespace, born))
  `.execute(db);
  await sql`create index usage_days_of on usage_days (namespace, day, born)`.execute(db);
}
