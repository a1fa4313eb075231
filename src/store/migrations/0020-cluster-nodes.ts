/** What servers heard of the nodes of their cluster, and whether the operator drained them. The same on both engines. */
import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('cluster_nodes')
    .addColumn('name', 'text', (column) => column.notNull().primaryKey())
    .addColumn('role', 'text', (column) => column.notNull())
    .addColumn('version', 'text', (column) => column.notNull())
    .addColumn('seen_at', 'bigint', (column) => column.notNull())
    .addColumn('figures', 'text', (column) => column.notNull())
    .addColumn('drained', 'integer', (column) => column.notNull().defaultTo(0))
    .addColumn('ordered_at', 'bigint')
    .execute();
}
