/** Entries of the audit log that are not in its chain yet. They belong to no namespace, whose end they outlive. */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table unsealed_entries (
      seq integer not null primary key autoincrement, id text not null unique, entry text not null)
  `.execute(db);
}
