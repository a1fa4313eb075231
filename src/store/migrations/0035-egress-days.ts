/**
 * What the actions of a namespace reached over the network on each day, and what was refused to them: added up in the
 * transactions that write the records, like usage. The same on both engines.
 */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table usage_egress (
      namespace text not null references namespaces (name) on delete cascade, action text not null,
      target text not null, port integer not null, protocol text not null, refusal text not null, day integer not null,
      calls bigint not null, attempts bigint not null, sent_bytes bigint not null, received_bytes bigint not null,
      last_at bigint not null, last_call text not null,
      primary key (namespace, action, target, port, protocol, refusal, day))
  `.execute(db);
  await sql`create index usage_egress_of_day on usage_egress (day, namespace, action)`.execute(db);
}
