import type { DatabaseSync } from 'node:sqlite';

/** How long a statement waits for the lock of another process. */
const busyTimeoutMs = 5000;

/**
 * Opens a connection to one of Ward's own database files. The file can come from a backup, so its schema is not
 * trusted (sqlite.org/security.html). Creates the file if it is missing. @throws errors of SQLite
 */
export function openSqlite(path: string | URL): DatabaseSync {
  const { DatabaseSync } = process.getBuiltinModule('node:sqlite');
  const db = new DatabaseSync(path, { timeout: busyTimeoutMs, defensive: true });
  db.exec('pragma trusted_schema = off');
  return db;
}
