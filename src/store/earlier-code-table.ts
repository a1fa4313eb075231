/** The table of earlier code, and the view of all code that is named: the same on both engines. */
import { type Kysely, sql } from 'kysely';

/** All code that actions name, now or as their earlier code. */
export const namedCode = 'named_code';

/**
 * An older Ward can go on beside it. It does not see that earlier code is named, and may remove its bytes; then the
 * action has no earlier code, which all readers expect. The database itself forgets earlier code that has become the
 * code of its action again.
 */
export async function createEarlierCode(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table earlier_code (
      namespace text not null, path text not null, digest text not null, document text not null,
      primary key (namespace, path),
      foreign key (namespace, path) references entities (namespace, path) on delete cascade)
  `.execute(db);
  await sql`create index earlier_code_by_digest on earlier_code (digest)`.execute(db);
  await sql`create index earlier_code_by_own_digest on earlier_code (namespace, digest)`.execute(db);
  await sql`
    create view ${sql.table(namedCode)} as
      select namespace, path, cast('now' as text) as place, code_digest as digest from entities where code_digest is not null
      union all select namespace, path, cast('earlier' as text) as place, digest from earlier_code
  `.execute(db);
}
