/** The ends of sessions leave changes, as in SQLite's migration 39. */
import { type Kysely, sql } from 'kysely';

/** An older Ward does not know the kind, and drops its caches. */
export const isExpandOnly = true;

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql
    .raw(
      `create function note_session_end() returns trigger language plpgsql as $$ begin
        insert into changes (kind, namespace, path) values ('sessions', '', old.token_hash);
        return null;
      end $$;
      create trigger sessions_noted after delete on sessions
        for each row when (old.kind in ('key', 'operator')) execute function note_session_end();`,
    )
    .execute(db);
}
