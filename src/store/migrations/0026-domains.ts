/** Domains that namespaces claim, and those that they have proved to be theirs. */
import { type Kysely, sql } from 'kysely';
import { noteChanges } from './0017-changes.ts';

export async function up(db: Kysely<unknown>): Promise<void> {
  await createDomains(db);
  await noteChanges(db, 'domains', { kind: `'domains'`, namespace: 'namespace', path: 'name' });
}

/** The part that is the same on both engines. */
export async function createDomains(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('domains')
    .addColumn('namespace', 'text', (column) =>
      column.notNull().references('namespaces.name').onDelete('cascade'),
    )
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('token', 'text', (column) => column.notNull())
    .addColumn('package', 'text')
    .addColumn('base_path', 'text')
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('proved_at', 'bigint')
    .addPrimaryKeyConstraint('domains_pk', ['namespace', 'name'])
    .execute();
  await db.schema
    .createIndex('domains_proved')
    .unique()
    .on('domains')
    .column('name')
    .where(sql<boolean>`proved_at is not null`)
    .execute();
}
