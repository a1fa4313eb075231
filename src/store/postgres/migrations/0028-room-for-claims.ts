/**
 * Leaves half of each page of the accepted queue empty. A claim writes a new version of its row; when that fits into the
 * page of the old one, PostgreSQL need not add it to the four indexes.
 */
import { type Kysely, sql } from 'kysely';

/** An older Ward sees no difference. */
export const isExpandOnly = true;

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table accepted set (fillfactor = 50)`.execute(db);
}
