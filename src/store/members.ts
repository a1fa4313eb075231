/** Nodes of the cluster and tokens to join it. All times are the database's. */
import { type Kysely, type Selectable, sql } from 'kysely';
import { storeFault } from './faults.ts';
import { inTransaction, note } from './noted.ts';
import type { JoinTokenTable, MemberTable, Schema } from './schema.ts';
import type { SqlWords } from './sql-words.ts';
import type { Joining, JoinTokenRow, MemberRow, MemberStore } from './types/members.ts';
import type { NotedChange } from './types/unsealed.ts';

/** Time for which an expired token still gets the answer that it is expired. */
const keptMs = 86_400_000;

export function memberStore(db: Kysely<Schema>, { now }: SqlWords): MemberStore {
  const after = (ms: number) => sql<number>`${now} + ${ms}`;
  return {
    async addToken({ key, role, name, uses, lifeMs }) {
      await db.deleteFrom('join_tokens').where('expires_at', '<', after(-keptMs)).execute();
      return inTransaction(db, async (inside) => {
        const row = await inside
          .insertInto('join_tokens')
          .values({ key, role, name, uses, expires_at: after(lifeMs), used_by: null })
          .returning('expires_at')
          .executeTakeFirstOrThrow();
        const summary = `for the role ${role}${uses === 1 ? '' : `, for ${uses} nodes`}`;
        await note(inside, [{ what: 'create-join-token', name: name ?? '*', summary }]);
        return row.expires_at;
      });
    },
    async token(key) {
      const row = await db
        .selectFrom('join_tokens')
        .selectAll()
        .select(sql<number>`case when expires_at > ${now} then 0 else 1 end`.as('expired'))
        .where('key', '=', key)
        .executeTakeFirst();
      return row === undefined ? undefined : { ...toToken(row), isExpired: row.expired === 1 };
    },
    async openTokens() {
      const rows = await db
        .selectFrom('join_tokens')
        .selectAll()
        .where('expires_at', '>', now)
        .where('used_by', 'is', null)
        .whereRef('used', '<', 'uses')
        .orderBy('expires_at')
        .orderBy('key')
        .execute();
      return rows.map(toToken);
    },
    revokeToken: (key) =>
      inTransaction(db, async (inside) => {
        const row = await inside
          .deleteFrom('join_tokens')
          .where('key', '=', key)
          .returningAll()
          .executeTakeFirst();
        if (row === undefined) return false;
        await note(inside, [revocation(row)]);
        return true;
      }),
    join: (joining) =>
      inTransaction(db, async (inside) => {
        const isRepeated = await hasTaken(inside, joining, now);
        if (!isRepeated && !(await takeToken(inside, joining, now))) return undefined;
        const row = await addMember(inside, joining, isRepeated, now);
        if (row === undefined) {
          // A removal came between. It has revoked the token, and the node needs a new one.
          if (isRepeated) return undefined;
          // This ends the transaction, so that the token stays unused.
          throw storeFault('STORE_DUPLICATE', `another node has the name ${joining.name}`);
        }
        const { name, role } = joining;
        await note(inside, [{ what: 'join-node', name, summary: `with the role ${role}` }]);
        return toMember(row);
      }),
    async renew({ name, role, key, lifeMs }) {
      const row = await db
        .updateTable('members')
        .set({ expires_at: after(lifeMs) })
        .where('name', '=', name)
        .where('role', '=', role)
        .where('key', '=', key)
        .where('removed_at', 'is', null)
        .returningAll()
        .executeTakeFirst();
      return row === undefined ? undefined : toMember(row);
    },
    async get(name) {
      const row = await db.selectFrom('members').selectAll().where('name', '=', name).executeTakeFirst();
      return row === undefined ? undefined : toMember(row);
    },
    async list() {
      return (await db.selectFrom('members').selectAll().orderBy('name').execute()).map(toMember);
    },
    remove: (name) =>
      inTransaction(db, async (inside) => {
        const row = await inside
          .updateTable('members')
          .set({ removed_at: now })
          .where('name', '=', name)
          .where('removed_at', 'is', null)
          .returning('key')
          .executeTakeFirst();
        if (row === undefined) return undefined;
        const usedIts = inside.selectFrom('join_token_uses').select('token').where('key', '=', row.key);
        const tokens = await inside
          .deleteFrom('join_tokens')
          .where(({ eb, or }) => or([eb('used_by', '=', row.key), eb('key', 'in', usedIts)]))
          .returningAll()
          .execute();
        const revoked = tokens.filter(({ uses, used }) => used < uses);
        await note(inside, [{ what: 'remove-node', name }, ...revoked.map(revocation)]);
        return revoked.map(toToken);
      }),
    async now() {
      const { rows } = await sql<{ at: number }>`select ${now} as at`.execute(db);
      return rows[0]?.at ?? 0;
    },
  };
}

async function takeToken(
  inside: Kysely<Schema>,
  { token, role, name, key }: Joining,
  now: SqlWords['now'],
): Promise<boolean> {
  const taken = await inside
    .updateTable('join_tokens')
    .set(({ eb, ref }) => ({
      used: eb('used', '+', 1),
      // A server of the version before this one looks only at these two.
      used_by: eb.case().when('uses', '=', 1).then(key).end(),
      name: eb.case().when('uses', '=', 1).then(name).else(ref('name')).end(),
    }))
    .where('key', '=', token)
    .where('role', '=', role)
    .where('expires_at', '>', now)
    .where(({ eb, or }) => or([eb('name', 'is', null), eb('name', '=', name)]))
    .where('used_by', 'is', null)
    .whereRef('used', '<', 'uses')
    .executeTakeFirst();
  if (taken.numUpdatedRows !== 1n) return false;
  await inside
    .insertInto('join_token_uses')
    .values({ token, key, name })
    .onConflict((conflict) => conflict.columns(['token', 'key']).doUpdateSet({ name }))
    .execute();
  return true;
}

/** The same node asks again: it may not have got the answer. */
async function hasTaken(
  inside: Kysely<Schema>,
  { token, role, name, key }: Joining,
  now: SqlWords['now'],
): Promise<boolean> {
  const use = await inside
    .selectFrom('join_token_uses as uses')
    .innerJoin('join_tokens as tokens', 'tokens.key', 'uses.token')
    .select('uses.key')
    .where('uses.token', '=', token)
    .where('uses.key', '=', key)
    .where('uses.name', '=', name)
    .where('tokens.role', '=', role)
    .where('tokens.expires_at', '>', now)
    .executeTakeFirst();
  return use !== undefined;
}

function revocation({ role, name, uses, used }: Selectable<JoinTokenTable>): NotedChange {
  const summary = `for the role ${role}, ${uses - used} of ${uses} uses left`;
  return { what: 'revoke-join-token', name: name ?? '*', summary };
}

/** Undefined when another node has the name, or when the node repeats its join and was removed meanwhile. */
function addMember(
  inside: Kysely<Schema>,
  { name, role, key, lifeMs }: Joining,
  isRepeated: boolean,
  now: SqlWords['now'],
): Promise<Selectable<MemberTable> | undefined> {
  return inside
    .insertInto('members')
    .values({ name, role, key, joined_at: now, expires_at: sql`${now} + ${lifeMs}`, removed_at: null })
    .onConflict((conflict) =>
      conflict
        .column('name')
        .doUpdateSet(({ ref }) => ({
          role: ref('excluded.role'),
          key: ref('excluded.key'),
          joined_at: ref('excluded.joined_at'),
          expires_at: ref('excluded.expires_at'),
          removed_at: null,
        }))
        .where(({ eb, ref, and, or }) => {
          const isOwn = eb('members.key', '=', ref('excluded.key'));
          if (isRepeated) return and([isOwn, eb('members.removed_at', 'is', null)]);
          return or([isOwn, eb('members.removed_at', 'is not', null)]);
        }),
    )
    .returningAll()
    .executeTakeFirst();
}

function toToken(row: Selectable<JoinTokenTable>): JoinTokenRow {
  return {
    key: row.key,
    role: row.role,
    name: row.name,
    uses: row.uses,
    used: row.used,
    expiresAt: row.expires_at,
    usedBy: row.used_by,
  };
}

function toMember(row: Selectable<MemberTable>): MemberRow {
  return {
    name: row.name,
    role: row.role,
    key: row.key,
    joinedAt: row.joined_at,
    expiresAt: row.expires_at,
    removedAt: row.removed_at,
  };
}
