/**
 * Stores the start of the newest deleted record of each namespace, so that its last use is known even after retention
 * has deleted all records. Existing records contain it themselves: no call writes more for it.
 */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('activation_counts').addColumn('last_deleted_start', 'bigint').execute();
  await sql`drop trigger activations_count_down`.execute(db);
  await sql`
    create trigger activations_count_down after delete on activations
    begin
      update activation_counts
        set total = total - 1, last_deleted_start = max(ifnull(last_deleted_start, 0), old.start)
        where namespace = old.namespace;
    end
  `.execute(db);
}
