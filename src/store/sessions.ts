/** Sessions of browsers, as hashes of their tokens. All times are the database's. */
import { type Kysely, sql } from 'kysely';
import { inTransaction, note } from './noted.ts';
import type { Schema, SessionTable } from './schema.ts';
import type { SqlWords } from './sql-words.ts';
import type { NewSessionRow, SessionKind, SessionRow, SessionStore } from './types/sessions.ts';

/** Anyone with a key can log in, so logins must not fill the disk. */
const mostSessions = 10_000;
/** So that an owner's logins end its own sessions first. All keys that a namespace may have stay below the number above. */
const mostOfOwner = 50;
/** A page makes many requests, and not each of them needs to be written. */
const noteEveryMs = 60_000;

export function sessionStore(db: Kysely<Schema>, { now }: SqlWords): SessionStore {
  const isLive = sql<boolean>`expires_at > ${now}`;
  return {
    async create(row) {
      const { tokenHash, kind, keyId, lifeMs, login } = row;
      await db.deleteFrom('sessions').where('expires_at', '<=', sql<number>`${now}`).execute();
      const beyond = (most: number) =>
        db
          .selectFrom('sessions')
          .select('token_hash')
          .orderBy('created_at', 'desc')
          .orderBy('token_hash')
          .offset(most - 1)
          .limit(mostSessions);
      const ofOwner = beyond(mostOfOwner).where(ownerColumn, '=', ownerOf(row));
      await db.deleteFrom('sessions').where('token_hash', 'in', ofOwner).execute();
      await db.deleteFrom('sessions').where('token_hash', 'in', beyond(mostSessions)).execute();
      await inTransaction(db, async (inside) => {
        await inside
          .insertInto('sessions')
          .values({
            ...{ token_hash: tokenHash, kind, key_id: keyId },
            ...{ created_at: sql<number>`${now}`, used_at: sql<number>`${now}` },
            expires_at: sql<number>`${now} + ${lifeMs}`,
            ...{ person: login?.person ?? null, name: login?.name ?? null, offer: login?.offer ?? null },
          })
          .execute();
        // The session that is chosen has an entry.
        if (kind === 'choice') return;
        await note(inside, [
          { what: kind === 'login' ? 'create-login' : 'log-in', ...(await holderOf(inside, keyId)) },
        ]);
      });
    },
    async use(tokenHash, kind, idleMs) {
      const row = await db
        .selectFrom('sessions')
        .select([...told, sql<number>`expires_at - ${now}`.as('left')])
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
      return { ...toRow(row), leftMs: row.left };
    },
    end: (tokenHash, kind) =>
      inTransaction(db, async (inside) => {
        const row = await inside
          .deleteFrom('sessions')
          .where('token_hash', '=', tokenHash)
          .where('kind', '=', kind)
          .where(isLive)
          .returning(told)
          .executeTakeFirst();
        if (row === undefined) return undefined;
        // These end when they are used, which is an entry itself.
        if (kind !== 'login' && kind !== 'choice')
          await note(inside, [{ what: 'log-out', ...(await holderOf(inside, row.key_id)) }]);
        return toRow(row);
      }),
  };
}

/** A person is one owner, whose logins have a key each. Operators who are no known person are one, and so are their logins. */
const ownerColumn = sql<string>`coalesce(person, key_id, kind)`;

function ownerOf({ kind, keyId, login }: NewSessionRow): string {
  return login?.person ?? keyId ?? kind;
}

const told = ['kind', 'key_id', 'person', 'name', 'offer'] as const;

function toRow(row: Pick<SessionTable, (typeof told)[number]>): Omit<SessionRow, 'leftMs'> {
  const { kind, key_id: keyId, person, name, offer } = row;
  const login = person === null ? undefined : { person, name: name ?? '', offer };
  return { kind: kind as SessionKind, keyId, login };
}

/** Whose session it is, for the audit log. */
async function holderOf(db: Kysely<Schema>, keyId: string | null) {
  if (keyId === null) return { name: 'operator' };
  const first = await db
    .selectFrom('namespaces')
    .select('name as namespace')
    .where('key_id', '=', keyId)
    .executeTakeFirst();
  const further = () =>
    db.selectFrom('keys').select('namespace').where('key_id', '=', keyId).executeTakeFirst();
  const { namespace } = first ?? (await further()) ?? {};
  return { name: namespace === undefined ? keyId : `/${namespace}/${keyId}`, namespace };
}
