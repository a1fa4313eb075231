/** Whose login a key is from, and when a person logged out everywhere. The same on both engines. */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table keys add column person text`.execute(db);
  await sql`create index keys_by_person on keys (person) where person is not null`.execute(db);
  await sql`create table logouts (person text not null primary key, at bigint not null)`.execute(db);
}
