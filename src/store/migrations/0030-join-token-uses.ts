/** Tokens with which several nodes may join, and which nodes have joined with which token. The same on both engines. */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable('join_tokens')
    .addColumn('uses', 'bigint', (column) => column.notNull().defaultTo(1))
    .execute();
  await db.schema
    .alterTable('join_tokens')
    .addColumn('used', 'bigint', (column) => column.notNull().defaultTo(0))
    .execute();
  await db.schema
    .createTable('join_token_uses')
    .addColumn('token', 'text', (column) =>
      column.notNull().references('join_tokens.key').onDelete('cascade'),
    )
    .addColumn('key', 'text', (column) => column.notNull())
    .addColumn('name', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('join_token_uses_pk', ['token', 'key'])
    .execute();
  await sql`update join_tokens set used = 1 where used_by is not null`.execute(db);
  await sql`insert into join_token_uses (token, key, name)
    select key, used_by, name from join_tokens where used_by is not null and name is not null`.execute(db);
}
