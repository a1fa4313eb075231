/** Inputs of activations, if they are kept. A table of its own, so that lists need not skip them. */
import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('activation_inputs')
    .addColumn('activation_id', 'text', (column) =>
      column.notNull().primaryKey().references('activations.activation_id').onDelete('cascade'),
    )
    .addColumn('input', 'text', (column) => column.notNull())
    .execute();
}
