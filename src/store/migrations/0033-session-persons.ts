/** Whose login a session is from, and what a person who has logged in may choose. The same on both engines. */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const column of ['person', 'name', 'offer'])
    await sql`alter table sessions add column ${sql.ref(column)} text`.execute(db);
}
