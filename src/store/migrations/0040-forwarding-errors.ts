/** Why the logs of a namespace were not forwarded: a short document, which servers replace. The same on both engines. */
import type { Kysely } from 'kysely';

/** An older Ward keeps the errors of its own server to itself. */
export const isExpandOnly = true;

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('forwarding_errors')
    .addColumn('namespace', 'text', (column) =>
      column.primaryKey().notNull().references('namespaces.name').onDelete('cascade'),
    )
    .addColumn('document', 'text', (column) => column.notNull())
    .execute();
}
