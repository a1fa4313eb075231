/**
 * One row for each process that writes batches: the number of its last batch, and the positions of the units that a batch
 * of one statement has changed. `previous` and `previously_changed` are what the last batch replaced. See `batch-marks.ts`.
 */
import { type Kysely, sql } from 'kysely';

/** An older Ward leaves no marks. */
export const isExpandOnly = true;

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create table writers (
    name text primary key,
    batch bigint not null,
    changed integer[],
    previous bigint,
    previously_changed integer[]
  )`.execute(db);
}
