/** Facts about the database itself. A dump has them too, so a restored database is the same one to its servers. */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create table facts (name text primary key, value text not null)`.execute(db);
  await sql`insert into facts values ('id', replace(gen_random_uuid()::text, '-', ''))`.execute(db);
}
