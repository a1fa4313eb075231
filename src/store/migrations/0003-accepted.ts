/** Invocations that were accepted with a 202 and have no record yet. */
import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('accepted')
    .addColumn('activation_id', 'text', (column) => column.notNull().primaryKey())
    .addColumn('namespace', 'text', (column) =>
      column.notNull().references('namespaces.name').onDelete('cascade'),
    )
    .addColumn('accepted_at', 'bigint', (column) => column.notNull())
    .addColumn('attempt', 'integer', (column) => column.notNull())
    .addColumn('job', 'text', (column) => column.notNull())
    .execute();
  await db.schema
    .createIndex('accepted_by_time')
    .on('accepted')
    .columns(['accepted_at', 'activation_id'])
    .execute();
  await db.schema.createIndex('accepted_by_namespace').on('accepted').column('namespace').execute();
}
