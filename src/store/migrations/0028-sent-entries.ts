/** Up to where the audit log was sent to each syslog server. The same on both engines. */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create table sent_entries (receiver text not null primary key, seq bigint not null)`.execute(db);
}
