/** Opens the store: the file and its permissions, the thread, the migrations, and the parts on top. */
import { chmod, mkdir, open, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { Kysely } from 'kysely';
import { storeFault } from './faults.ts';
import { groupWriter } from './group-writer.ts';
import { migrate, migrations } from './migrations/index.ts';
import { storeParts } from './parts.ts';
import type { Schema } from './schema.ts';
import { sqliteChanges } from './sqlite/changes.ts';
import { sqliteThreadDialect, sqliteWords } from './sqlite/dialect.ts';
import { faultOf } from './sqlite/sql-fault.ts';
import { startDatabaseThread } from './sqlite/thread.ts';
import type { RecordingTrouble, Store } from './types/store.ts';

export interface StoreOptions {
  /** The database file. It and its folder are created if missing: 0600 in 0700. */
  readonly path: string;
  /** Called when writes begin to fail, and when they succeed again. */
  readonly onRecording?: (trouble: RecordingTrouble | undefined) => void;
  /** Cache of its pages in memory. */
  readonly cacheKiB?: number | undefined;
}

/** Writes the first page, with a number that nothing else uses. */
const probe = [{ statement: { sql: 'pragma user_version = 0', arity: 0 }, values: [] }];

/**
 * Opens the database, and migrates it to this version first. Several processes can have it open at a time.
 * Throws STORE_CORRUPT, STORE_LOCKED, STORE_FULL, STORE_NEWER, STORE_INSECURE or STORE_FAILED.
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const path = resolve(options.path);
  await prepareFile(path);
  const thread = startDatabaseThread(path, options.cacheKiB);
  const dialect = sqliteThreadDialect(thread);
  const db = new Kysely<Schema>({ dialect });
  try {
    await migrate(db, migrations);
  } catch (error) {
    await thread.close().catch(() => {});
    throw error;
  }
  const { onRecording } = options;
  const writer = groupWriter((units) => dialect.batch(units), { probe, onRecording });
  let closing: Promise<void> | undefined;
  const close = () => {
    // For accepted calls, the durable queue still has the records that a full disk does not take.
    closing ??= writer
      .flush()
      .catch(() => {})
      .then(() => thread.close());
    return closing;
  };
  return {
    ...storeParts(db, writer, sqliteWords),
    changes: sqliteChanges(db),
    close,
    [Symbol.asyncDispose]: close,
  };
}

async function prepareFile(path: string): Promise<void> {
  const folder = dirname(path);
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const { mode } = await stat(folder);
    if ((mode & 0o002) !== 0) {
      throw storeFault('STORE_INSECURE', `all users can write to ${folder}, the folder of the database`, {
        hint: `Run chmod 700 ${folder}, or choose another data folder.`,
      });
    }
    // SQLite gives its side files the mode of the database file.
    const file = await open(path, 'a', 0o600);
    await file.close();
    await chmod(path, 0o600);
  } catch (error) {
    if (error instanceof Error && error.name === 'Fault') throw error;
    throw faultOf(error, path);
  }
}
