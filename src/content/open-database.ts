/** Opens the registry's tables in the engine that is asked for. */
import { join } from 'node:path';
import type { OnNewer } from '../store/index.ts';
import type { RegistryDatabase } from './database.ts';
import { openSqliteRegistry } from './sqlite/database.ts';

export interface RegistryPlace {
  /** Folder of what this server keeps. */
  readonly dir: string;
  /** The database of several servers. Absent: a SQLite file in `dir`. */
  readonly database?: SharedDatabase | undefined;
  /** Cache of a SQLite file's pages in memory. */
  readonly databaseCacheKiB?: number | undefined;
  /** Epoch milliseconds. Absent: the database's clock. */
  readonly now?: (() => number) | undefined;
}

interface SharedDatabase {
  readonly kind: 'postgres';
  readonly url: string;
  /** Without it, a database that a newer Ward has upgraded is refused. */
  readonly onNewer?: OnNewer | undefined;
  /** Writes nothing, and refuses a database that another version of Ward has written. */
  readonly isReader?: boolean;
}

/** @throws Fault IMAGE_STORE_INVALID, and Faults of the store room */
export async function openRegistryDatabase(place: RegistryPlace): Promise<RegistryDatabase> {
  const { dir, database, databaseCacheKiB: cacheKiB, now = Date.now } = place;
  if (database === undefined) return openSqliteRegistry({ path: registryFile(dir), cacheKiB, now });
  const { openPostgresRegistry } = await import('./postgres/database.ts');
  const { kind: _, ...options } = database;
  return openPostgresRegistry({ ...options, now: place.now });
}

export function registryFile(dir: string): string {
  return join(dir, 'registry.db');
}
