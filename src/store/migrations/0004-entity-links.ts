/**
 * The target of an entity, and whether other namespaces can see it: so that the rules of a trigger and the shared
 * packages of a namespace are found without reading the others.
 */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('entities').addColumn('link', 'text').execute();
  await db.schema
    .alterTable('entities')
    .addColumn('shared', 'integer', (column) => column.notNull().defaultTo(0))
    .execute();
  await db.schema
    .createIndex('entities_by_link')
    .on('entities')
    .columns(['namespace', 'collection', 'link', 'updated_at desc', 'path'])
    .where('link', 'is not', null)
    .execute();
  await db.schema
    .createIndex('entities_shared')
    .on('entities')
    .columns(['namespace', 'collection', 'updated_at desc', 'path'])
    .where(sql.ref('shared'), '=', 1)
    .execute();
}
