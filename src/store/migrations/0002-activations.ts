/** Activation records and their logs. The large columns come last, so that reading the others skips them. */
import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('activations')
    .addColumn('activation_id', 'text', (column) => column.notNull().primaryKey())
    .addColumn('namespace', 'text', (column) =>
      column.notNull().references('namespaces.name').onDelete('cascade'),
    )
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('path', 'text', (column) => column.notNull())
    .addColumn('start', 'bigint', (column) => column.notNull())
    .addColumn('end', 'bigint')
    .addColumn('status_code', 'integer', (column) => column.notNull())
    .addColumn('document', 'text', (column) => column.notNull())
    .addColumn('response', 'text')
    .execute();
  await db.schema
    .createIndex('activations_by_start')
    .on('activations')
    .columns(['namespace', 'start desc', 'activation_id desc'])
    .execute();
  await db.schema
    .createIndex('activations_by_path')
    .on('activations')
    .columns(['namespace', 'path', 'start desc', 'activation_id desc'])
    .execute();
  await db.schema
    .createTable('activation_logs')
    .addColumn('activation_id', 'text', (column) =>
      column.notNull().primaryKey().references('activations.activation_id').onDelete('cascade'),
    )
    .addColumn('lines', 'text', (column) => column.notNull())
    .execute();
}
