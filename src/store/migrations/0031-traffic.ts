/** What calls sent and received over the network, in their records and in the sums of each day. The same on both engines. */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const column of ['sent_bytes', 'received_bytes']) {
    await sql`alter table activations add column ${sql.ref(column)} bigint`.execute(db);
    await sql`alter table usage_days add column ${sql.ref(column)} bigint not null default 0`.execute(db);
  }
}
