/**
 * Further keys of namespaces. A key is looked up by its id in two tables, so no id may be in both: triggers ensure
 * that for every process that writes.
 */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('keys')
    .addColumn('key_id', 'text', (column) => column.notNull().primaryKey())
    .addColumn('namespace', 'text', (column) =>
      column.notNull().references('namespaces.name').onDelete('cascade'),
    )
    .addColumn('key_hash', 'text', (column) => column.notNull())
    .addColumn('scope', 'text', (column) => column.notNull())
    .addColumn('label', 'text', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('expires_at', 'bigint')
    .execute();
  await db.schema
    .createIndex('keys_by_namespace')
    .on('keys')
    .columns(['namespace', 'created_at', 'key_id'])
    .execute();
  await sql`
    create trigger keys_unlike_namespaces before insert on keys
    when exists (select 1 from namespaces where key_id = new.key_id)
    begin select raise(abort, 'the key id is taken'); end
  `.execute(db);
  for (const event of ['insert', 'update of key_id']) {
    await sql`
      create trigger ${sql.id(`namespaces_unlike_keys_${event.slice(0, 6)}`)} before ${sql.raw(event)} on namespaces
      when exists (select 1 from keys where key_id = new.key_id)
      begin select raise(abort, 'the key id is taken'); end
    `.execute(db);
  }
}
