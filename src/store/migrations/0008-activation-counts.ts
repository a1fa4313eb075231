/**
 * The number of records of each namespace: counting millions takes long, and retention by number needs it all the
 * time. The number changes in the transaction that changes the records. Additions of a batch are counted at its end;
 * a trigger for each row would make every record an eighth more expensive.
 */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('activation_counts')
    .addColumn('namespace', 'text', (column) =>
      column.notNull().primaryKey().references('namespaces.name').onDelete('cascade'),
    )
    .addColumn('total', 'integer', (column) => column.notNull())
    .execute();
  await sql`
    insert into activation_counts (namespace, total)
    select name, (select count(*) from activations where activations.namespace = namespaces.name) from namespaces
  `.execute(db);
  await sql`
    create trigger namespaces_begin_count after insert on namespaces
    begin insert into activation_counts (namespace, total) values (new.name, 0); end
  `.execute(db);
  await sql`
    create trigger activations_count_down after delete on activations
    begin update activation_counts set total = total - 1 where namespace = old.namespace; end
  `.execute(db);
}
