/** Domains of namespaces, as in SQLite's migration 26. */
import { type Kysely, sql } from 'kysely';
import { createDomains } from '../../migrations/0026-domains.ts';
import { noted } from './0004-changes.ts';

export async function up(db: Kysely<unknown>): Promise<void> {
  await createDomains(db);
  await sql.raw(noted('domains', [`'domains'`, '$.namespace', '$.name'])).execute(db);
}
