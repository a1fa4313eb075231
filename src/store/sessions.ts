/** Sessions of browsers, as hashes of their tokens. All times are the database's. */
import { type Kysely, type RawBuilder, sql } from 'kysely';
import { inTransaction, note } from './noted.ts';
import type { Schema, SessionTable } from './schema.ts';
import type { SqlWords } from './sql-words.ts';
import type { NewSessionRow, SessionKind, SessionRow, SessionStore } from './types/sessions.ts';

export interface SessionLimits {
  /** So that an owner's logins end its own sessions first. */
  readonly ofOwner: number;
  /** With all of its keys: a namespace may have many. */
  readonly ofNamespace: number;
  /** With keys of all namespaces. Anyone with a key can log in, so logins must not fill the disk. */
  readonly all: number;
}

const usualLimits: SessionLimits = { ofOwner: 50, ofNamespace: 500, all: 10_000 };
/** A page makes many requests, and not each of them needs to be written. */
const noteEveryMs = 60_000;
/** Far more than a group ever has beyond its limit. SQLite has no offset without a limit. */
const mostAtOnce = 10_000;

export function sessionStore(
  db: Kysely<Schema>,
  { now }: SqlWords,
  limits: SessionLimits = usualLimits,
): SessionStore {
  const isLive = sql<boolean>`expires_at > ${now}`;
  return {
    async create(row) {
      const { tokenHash, kind, keyId, lifeMs, login } = row;
      await db.deleteFrom('sessions').where('expires_at', '<=', sql<number>`${now}`).execute();
      await endBeyond(db, limits.ofOwner, ownerColumn, ownerOf(row));
      // Sessions without a key are of operators, or of people who choose: no namespace takes their places.
      if (keyId === null) await endBeyond(db, limits.all, kindColumn, kind);
      else {
        const { namespace = noNamespace } = await holderOf(db, keyId);
        await endBeyond(db, limits.ofNamespace, namespaceColumn, namespace);
        await endOfLargest(db, limits.all);
      }
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
const kindColumn = sql<string>`kind`;
/** Of sessions whose key was deleted since. */
const noNamespace = '';
const namespaceColumn = sql<string>`coalesce(
  (select name from namespaces where namespaces.key_id = sessions.key_id),
  (select namespace from keys where keys.key_id = sessions.key_id),
  ''
)`;

/** Ends the oldest sessions of a group, so that it has fewer than `most`. */
async function endBeyond(
  db: Kysely<Schema>,
  most: number,
  group: RawBuilder<string>,
  value: string,
): Promise<void> {
  const oldest = db
    .selectFrom('sessions')
    .select('token_hash')
    .where(group, '=', value)
    .orderBy('created_at', 'desc')
    .orderBy('token_hash')
    .offset(most - 1)
    .limit(mostAtOnce);
  await db.deleteFrom('sessions').where('token_hash', 'in', oldest).execute();
}

/** Makes room for a session with a key: the namespace that has most of them loses its oldest. */
async function endOfLargest(db: Kysely<Schema>, most: number): Promise<void> {
  const ofKeys = db.selectFrom('sessions').where('key_id', 'is not', null);
  const { total } = await ofKeys
    .select(({ fn }) => fn.countAll<number | string>().as('total'))
    .executeTakeFirstOrThrow();
  const excess = Number(total) - most + 1;
  if (excess <= 0) return;
  const largest = db
    .selectFrom(ofKeys.select(namespaceColumn.as('namespace')).as('held'))
    .select('namespace')
    .groupBy('namespace')
    .orderBy(({ fn }) => fn.countAll(), 'desc')
    .limit(1);
  const oldest = ofKeys
    .select('token_hash')
    .where(namespaceColumn, '=', largest)
    .orderBy('created_at')
    .orderBy('token_hash', 'desc')
    .limit(excess);
  await db.deleteFrom('sessions').where('token_hash', 'in', oldest).execute();
}

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
