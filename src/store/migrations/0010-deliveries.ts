/** Calls of rules that will be retried, or were given up. */
import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('deliveries')
    .addColumn('id', 'text', (column) => column.notNull().primaryKey())
    .addColumn('namespace', 'text', (column) =>
      column.notNull().references('namespaces.name').onDelete('cascade'),
    )
    .addColumn('rule', 'text', (column) => column.notNull())
    .addColumn('state', 'text', (column) => column.notNull())
    .addColumn('attempt', 'integer', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('due_at', 'bigint', (column) => column.notNull())
    .addColumn('document', 'text', (column) => column.notNull())
    .execute();
  await db.schema
    .createIndex('deliveries_by_due')
    .on('deliveries')
    .columns(['state', 'due_at', 'id'])
    .execute();
  await db.schema
    .createIndex('deliveries_by_namespace')
    .on('deliveries')
    .columns(['namespace', 'state', 'due_at desc', 'id desc'])
    .execute();
  await db.schema
    .createIndex('deliveries_by_rule')
    .on('deliveries')
    .columns(['namespace', 'rule', 'state', 'due_at desc', 'id desc'])
    .execute();
}
