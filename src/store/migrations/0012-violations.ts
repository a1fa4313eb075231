/** Violations by sandboxes: the newest of each namespace. */
import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('violations')
    .addColumn('id', 'integer', (column) => column.notNull().primaryKey().autoIncrement())
    .addColumn('namespace', 'text', (column) =>
      column.notNull().references('namespaces.name').onDelete('cascade'),
    )
    .addColumn('at', 'bigint', (column) => column.notNull())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('detail', 'text', (column) => column.notNull())
    .addColumn('action', 'text')
    .addColumn('activation_id', 'text')
    .execute();
  await db.schema
    .createIndex('violations_by_namespace')
    .on('violations')
    .columns(['namespace', 'id desc'])
    .execute();
}
