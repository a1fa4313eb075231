/** What whoever copies the database has to know of it: which form it has, and which code it names. */
import type { DatabaseSnapshot } from './sqlite/snapshot.ts';

/** The newest migration that it has; undefined when it has none yet. @throws Fault STORE_CORRUPT, STORE_FAILED */
export function schemaOfState(state: DatabaseSnapshot): string | undefined {
  const tables = state.all("select name from sqlite_schema where name = 'kysely_migration'");
  if (tables.length === 0) return undefined;
  const [newest] = state.all('select name from kysely_migration order by name desc limit 1');
  return newest === undefined ? undefined : String(newest['name']);
}

/** Whether this Ward can read a database that has this migration. */
export async function knowsSchema(migration: string): Promise<boolean> {
  // Loaded here: it takes the query builder.
  return Object.hasOwn((await import('./migrations/index.ts')).migrations, migration);
}

/** Digests of the code that its actions have. @throws Fault STORE_CORRUPT, STORE_FAILED */
export function codeNamedIn(state: DatabaseSnapshot): readonly string[] {
  return state
    .all('select distinct code_digest as digest from entities where code_digest is not null')
    .map(({ digest }) => String(digest));
}
