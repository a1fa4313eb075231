/**
 * Accepted calls get an owner, whose lease is in `nodes`: one row per server, so that renewing it costs the same
 * whatever waits. They also name the code that they need. The index by time becomes one by owner and time; it ends
 * with the code, so that a search for code reads no calls.
 */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('nodes')
    .addColumn('name', 'text', (column) => column.notNull().primaryKey())
    .addColumn('lease_until', 'bigint', (column) => column.notNull())
    .execute();
  await db.schema
    .alterTable('accepted')
    .addColumn('owner', 'text', (column) => column.notNull().defaultTo(''))
    .execute();
  await db.schema.alterTable('accepted').addColumn('code_digest', 'text').execute();
  await sql`update accepted set code_digest = job ->> '$.code.digest'`.execute(db);
  await db.schema.dropIndex('accepted_by_time').execute();
  await db.schema
    .createIndex('accepted_by_owner')
    .on('accepted')
    .columns(['owner', 'accepted_at', 'activation_id', 'code_digest'])
    .execute();
}
