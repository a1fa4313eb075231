/** Namespaces and their entities. */
import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('namespaces')
    .addColumn('name', 'text', (column) => column.notNull().primaryKey())
    .addColumn('key_id', 'text', (column) => column.notNull().unique())
    .addColumn('key_hash', 'text', (column) => column.notNull())
    .addColumn('limits', 'text', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .execute();
  await db.schema
    .createTable('entities')
    .addColumn('namespace', 'text', (column) =>
      column.notNull().references('namespaces.name').onDelete('cascade'),
    )
    .addColumn('path', 'text', (column) => column.notNull())
    .addColumn('package', 'text', (column) => column.notNull())
    .addColumn('collection', 'text', (column) => column.notNull())
    .addColumn('revision', 'text', (column) => column.notNull())
    .addColumn('updated_at', 'bigint', (column) => column.notNull())
    .addColumn('code_digest', 'text')
    .addColumn('document', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('entities_pk', ['namespace', 'path'])
    .execute();
  await db.schema
    .createIndex('entities_by_update')
    .on('entities')
    .columns(['namespace', 'collection', 'updated_at desc', 'path'])
    .execute();
  await db.schema
    .createIndex('entities_by_package')
    .on('entities')
    .columns(['namespace', 'collection', 'package', 'updated_at desc', 'path'])
    .execute();
  await db.schema
    .createIndex('entities_by_code')
    .on('entities')
    .column('code_digest')
    .where('code_digest', 'is not', null)
    .execute();
}
