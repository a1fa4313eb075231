/** Marks of code blobs, by which servers agree on what may be removed. The same on both engines. */
import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('code_marks')
    .addColumn('digest', 'text', (column) => column.notNull().primaryKey())
    .addColumn('stamp', 'text', (column) => column.notNull())
    .addColumn('touched_at', 'bigint', (column) => column.notNull())
    .addColumn('removal', 'text')
    .addColumn('removal_at', 'bigint')
    .execute();
}
