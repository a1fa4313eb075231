/** Finds the activations that failed, which are few among millions. The same on both engines. */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create index activations_failed on activations (namespace, start desc, activation_id desc)
    where status_code > 0
  `.execute(db);
}
