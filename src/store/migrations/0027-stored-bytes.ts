/** What namespaces hold, sampled every hour and summed for each day. The same on both engines. */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const column of ['stored_byte_hours', 'stored_hours', 'stored_hour'])
    await sql`alter table usage_days add column ${sql.ref(column)} bigint not null default 0`.execute(db);
}
