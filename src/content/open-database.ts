/** Opens the registry's tables in the engine that is asked for. */
import { join } from 'node:path';
import type { RegistryDatabase } from './database.ts';
import { openSqliteRegistry } from './sqlite/database.ts';

export interface RegistryPlace {
  /** Folder of what this server keeps. */
  readonly dir: string;
  /** The database of several servers. Absent: a SQLite file in `dir`. */
  readonly database?: { readonly kind: 'postgres'; readonly url: string } | undefined;
  /** Cache of a SQLite file's pages in memory. */
  readonly databaseCacheKiB?: number | undefined;
  /** Epoch milliseconds. Absent: the database's clock. */
  readonly now?: (() => number) | undefined;
}

/** @throws Fault IMAGE_STORE_INVALID, and Faults of the store room */
export async function openRegistryDatabase(place: RegistryPlace): Promise<RegistryDatabase> {
  const { dir, database, databaseCacheKiB: cacheKiB, now = Date.now } = place;
  if (database === undefined) return openSqliteRegistry({ path: registryFile(dir), cacheKiB, now });
  const { openPostgresRegistry } = await import('./postgres/database.ts');
  return openPostgresRegistry({ url: database.url, now: place.now });
}

export function registryFile(dir: string): string {
  return join(dir, 'registry.db');
}
