import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Kysely } from 'kysely';
import { openStore } from './open.ts';
import type { Schema } from './schema.ts';
import { sessionStore } from './sessions.ts';
import { sqliteThreadDialect, sqliteWords } from './sqlite/dialect.ts';
import { startDatabaseThread } from './sqlite/thread.ts';
import { sessionLimitTests } from './suite/session-limits.ts';

sessionLimitTests(async (limits) => {
  const folder = await mkdtemp(join(tmpdir(), 'ward-sessions-'));
  const path = join(folder, 'ward.db');
  const store = await openStore({ path });
  const db = new Kysely<Schema>({ dialect: sqliteThreadDialect(startDatabaseThread(path)) });
  return {
    ...{ store, sessions: sessionStore(db, sqliteWords, limits) },
    async [Symbol.asyncDispose]() {
      await db.destroy();
      await store.close();
      await rm(folder, { recursive: true });
    },
  };
});
