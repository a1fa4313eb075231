/** The oldest Ward that can use the tables: Wards of two versions share them while a cluster is upgraded. */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table min_reader (one integer primary key check (one = 1), migration text not null)
  `.execute(db);
  await sql`insert into min_reader values (1, '0023-min-reader')`.execute(db);
}
