/**
 * Changes of what servers have in their caches. Triggers write them in the transaction of the change, so no process can
 * forget it. `tx` is for PostgreSQL, where `seq` is not the order of commits.
 */
import { type Kysely, sql } from 'kysely';

/** Table → how a change of it is named. */
const watched = {
  namespaces: { kind: `'namespaces'`, namespace: 'name', path: `''` },
  keys: { kind: `'keys'`, namespace: 'namespace', path: 'key_id' },
  entities: { kind: 'collection', namespace: 'namespace', path: 'path' },
  apis: { kind: `'apis'`, namespace: 'namespace', path: 'base_path' },
} as const;

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table changes (
      seq integer not null primary key autoincrement,
      at bigint not null default (cast(unixepoch('subsec') * 1000 as integer)),
      tx bigint not null default 0, kind text not null, namespace text not null, path text not null)
  `.execute(db);
  await sql`create index changes_by_time on changes (at)`.execute(db);
  for (const [table, names] of Object.entries(watched)) await noteChanges(db, table, names);
}

/** Makes each write of the table leave a change, which has these names: columns, or texts in quotes. */
export async function noteChanges(
  db: Kysely<unknown>,
  table: string,
  { kind, namespace, path }: { readonly kind: string; readonly namespace: string; readonly path: string },
): Promise<void> {
  const of = (row: 'old' | 'new') =>
    `select ${[kind, namespace, path].map((word) => (word.startsWith(`'`) ? word : `${row}.${word}`)).join()}`;
  const note = async (event: string, values: string) => {
    await sql
      .raw(
        `create trigger ${table}_${event}_noted after ${event} on ${table} begin
          insert into changes (kind, namespace, path) ${values}; end`,
      )
      .execute(db);
  };
  await note('insert', of('new'));
  await note('update', `${of('old')} union ${of('new')}`);
  await note('delete', of('old'));
}
