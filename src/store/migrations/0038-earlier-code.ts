/**
 * The code that the last change of an action's code replaced. It counts as code of its namespace, as the code of
 * actions does: once for each namespace. The triggers of migration 14 are made anew, because they count both.
 */
import { type Kysely, sql } from 'kysely';
import { createEarlierCode, namedCode } from '../earlier-code-table.ts';

/** See `createEarlierCode`. */
export const isExpandOnly = true;

export async function up(db: Kysely<unknown>): Promise<void> {
  await createEarlierCode(db);
  for (const name of [
    'entities_take_code',
    'entities_leave_code',
    'entities_change_code',
    'code_blobs_known',
  ]) {
    await sql`drop trigger ${sql.id(name)}`.execute(db);
  }
  for (const trigger of triggers()) await sql.raw(trigger).execute(db);
}

function triggers(): readonly string[] {
  const bytes = (row: string) => `ifnull((select max(bytes, 4096) from code_blobs where digest = ${row}), 0)`;
  const take = (row: string, place: 'now' | 'earlier') => `
    update holdings set code_bytes = code_bytes + ${bytes(row)}
      where namespace = new.namespace and ${row} is not null and not exists (
        select 1 from ${namedCode} where namespace = new.namespace and digest = ${row}
          and (path <> new.path or place <> '${place}'));`;
  const leave = (row: string) => `
    update holdings set code_bytes = code_bytes - ${bytes(row)}
      where namespace = old.namespace and not exists (
        select 1 from ${namedCode} where namespace = old.namespace and digest = ${row});
    delete from code_blobs where digest = ${row} and not exists (
      select 1 from ${namedCode} where digest = ${row});`;
  const forgetSame = `
    delete from earlier_code where namespace = new.namespace and path = new.path and digest = new.code_digest;`;
  return [
    `create trigger entities_take_code after insert on entities when new.code_digest is not null
      begin ${take('new.code_digest', 'now')} end`,
    `create trigger entities_leave_code after delete on entities when old.code_digest is not null
      begin ${leave('old.code_digest')} end`,
    `create trigger entities_change_code after update of code_digest on entities
      when old.code_digest is not new.code_digest
      begin ${take('new.code_digest', 'now')} ${forgetSame} ${leave('old.code_digest')} end`,
    `create trigger earlier_code_take after insert on earlier_code begin ${take('new.digest', 'earlier')} end`,
    `create trigger earlier_code_leave after delete on earlier_code begin ${leave('old.digest')} end`,
    `create trigger earlier_code_change after update of digest on earlier_code when old.digest <> new.digest
      begin ${take('new.digest', 'earlier')} ${leave('old.digest')} end`,
    `create trigger code_blobs_known after insert on code_blobs begin
      update holdings set code_bytes = code_bytes + max(new.bytes, 4096)
        where namespace in (select namespace from ${namedCode} where digest = new.digest); end`,
  ];
}
