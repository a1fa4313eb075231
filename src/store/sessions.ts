/** Sessions of browsers, as hashes of their tokens. All times are the database's. */
import { type Kysely, sql } from 'kysely';
import type { Schema } from './schema.ts';
import type { SqlWords } from './sql-words.ts';
import type { SessionKind, SessionStore } from './types/sessions.ts';

/** Anyone with a key can log in, so logins must not fill the disk. */
const mostSessions = 10_000;
/** A page makes many requests, and not each of them needs to be written. */
const noteEveryMs = 60_000;

export function sessionStore(db: Kysely<Schema>, { now }: SqlWords): SessionStore {
  const isLive = sql<boolean>`expires_at > ${now}`;
  return {
    async create({ tokenHash, kind, keyId, lifeMs }) {
      await db.deleteFrom('sessions').where('expires_at', '<=', sql<number>`${now}`).execute();
      const oldest = db
        .selectFrom('sessions')
        .select('token_hash')
        .orderBy('created_at', 'desc')
        .orderBy('token_hash')
        .offset(mostSessions - 1)
        .limit(mostSessions);
      await db.deleteFrom('sessions').where('token_hash', 'in', oldest).execute();
      await db
        .insertInto('sessions')
        .values({
          ...{ token_hash: tokenHash, kind, key_id: keyId },
          ...{ created_at: sql<number>`${now}`, used_at: sql<number>`${now}` },
          expires_at: sql<number>`${now} + ${lifeMs}`,
        })
        .execute();
    },
    async use(tokenHash, kind, idleMs) {
      const row = await db
        .selectFrom('sessions')
        .select(['kind', 'key_id', sql<number>`expires_at - ${now}`.as('left')])
        .select(sql<number>`${now} - used_at`.as('idle'))
        .where('token_hash', '=', tokenHash)
        .where('kind', '=', kind)
        .where(isLive)
        .executeTakeFirst();
      if (row === undefined || row.idle > idleMs) return undefined;
      if (row.idle > noteEveryMs)
        await db
          .updateTable('sessions')
          .set({ used_at: sql<number>`${now}` })
          .where('token_hash', '=', tokenHash)
          .execute();
      return { kind: row.kind as SessionKind, keyId: row.key_id, leftMs: row.left };
    },
    async end(tokenHash, kind) {
      const { numDeletedRows } = await db
        .deleteFrom('sessions')
        .where('token_hash', '=', tokenHash)
        .where('kind', '=', kind)
        .where(isLive)
        .executeTakeFirst();
      return numDeletedRows === 1n;
    },
  };
}
