/** Who made a key, and who has logged in to a namespace. The same on both engines. */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table keys add column maker text`.execute(db);
  await db.schema
    .createTable('namespace_members')
    .addColumn('namespace', 'text', (column) =>
      column.notNull().references('namespaces.name').onDelete('cascade'),
    )
    .addColumn('person', 'text', (column) => column.notNull())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('role', 'text', (column) => column.notNull())
    .addColumn('first_login_at', 'bigint', (column) => column.notNull())
    .addColumn('last_login_at', 'bigint', (column) => column.notNull())
    .addColumn('ended_at', 'bigint')
    .addPrimaryKeyConstraint('namespace_members_pk', ['namespace', 'person'])
    .execute();
}
