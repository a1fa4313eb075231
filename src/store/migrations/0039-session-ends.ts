/**
 * The end of a browser's session leaves a change, so that every server ends what is open with it. Those of other kinds are used once,
 * and open nothing.
 */
import { type Kysely, sql } from 'kysely';

/** An older Ward does not know the kind, and drops its caches. */
export const isExpandOnly = true;

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create trigger sessions_delete_noted after delete on sessions when old.kind in ('key', 'operator') begin
      insert into changes (kind, namespace, path) values ('sessions', '', old.token_hash); end
  `.execute(db);
}
