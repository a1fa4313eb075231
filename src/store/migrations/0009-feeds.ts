/** State of the built-in feed providers: at most one feed per trigger. */
import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('feeds')
    .addColumn('namespace', 'text', (column) =>
      column.notNull().references('namespaces.name').onDelete('cascade'),
    )
    .addColumn('trigger', 'text', (column) => column.notNull())
    .addColumn('provider', 'text', (column) => column.notNull())
    .addColumn('revision', 'text', (column) => column.notNull())
    .addColumn('token', 'text', (column) => column.unique())
    .addColumn('due_at', 'bigint')
    .addColumn('document', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('feeds_pk', ['namespace', 'trigger'])
    .execute();
  await db.schema
    .createIndex('feeds_by_due')
    .on('feeds')
    .columns(['due_at', 'namespace', 'trigger'])
    .where('due_at', 'is not', null)
    .execute();
}
