/** Who has logged in to which namespace. Nothing here gives a right: the keys of logins do. */
import { type Kysely, sql } from 'kysely';
import { deletionOf, endOfLogins } from './key-rows.ts';
import { inTransaction, note } from './noted.ts';
import type { Schema } from './schema.ts';
import type { SqlWords } from './sql-words.ts';
import { type MemberLogin, mostMembers, type NamespaceMemberStore } from './types/namespace-members.ts';

export function namespaceMemberStore(db: Kysely<Schema>, words: SqlWords): NamespaceMemberStore {
  return {
    async list(namespace) {
      const rows = await db
        .selectFrom('namespace_members')
        .selectAll()
        .select((row) =>
          row
            .selectFrom('keys')
            .select(({ fn }) => fn.countAll<number>().as('keys'))
            .whereRef('keys.person', '=', 'namespace_members.person')
            .where('keys.namespace', '=', namespace)
            .as('keys'),
        )
        .where('namespace', '=', namespace)
        .orderBy('last_login_at', 'desc')
        .orderBy('person')
        .execute();
      return rows.map(({ person, name, role, first_login_at, last_login_at, keys }) => ({
        ...{ person, name, role, keys: Number(keys ?? 0) },
        ...{ firstLoginAt: first_login_at, lastLoginAt: last_login_at },
      }));
    },
    endLogins: (namespace, person) =>
      inTransaction(db, async (inside) => {
        const at = await endOfLogins(inside, words, person, namespace);
        const member = await inside
          .updateTable('namespace_members')
          .set({ ended_at: sql<number>`case when ended_at > ${at} then ended_at else ${at} end` })
          .where('namespace', '=', namespace)
          .where('person', '=', person)
          .returning('name')
          .executeTakeFirst();
        if (member === undefined) return undefined;
        const ofLogins = inside
          .selectFrom('keys')
          .select('key_id')
          .where('namespace', '=', namespace)
          .where('person', '=', person);
        // Nobody can use them, and they take the person's places elsewhere.
        await inside.deleteFrom('sessions').where('key_id', 'in', ofLogins).execute();
        const rows = await inside
          .deleteFrom('keys')
          .where('namespace', '=', namespace)
          .where('person', '=', person)
          .returningAll()
          .execute();
        const ended = { what: 'log-out-member', name: `/${namespace}/${member.name}`, namespace };
        await note(inside, [ended, ...rows.map(deletionOf)]);
        return rows.length;
      }),
    async endedAt(namespace, person) {
      const row = await db
        .selectFrom('namespace_members')
        .select('ended_at')
        .where('namespace', '=', namespace)
        .where('person', '=', person)
        .executeTakeFirst();
      return row?.ended_at ?? undefined;
    },
  };
}

interface NotedLogin extends MemberLogin {
  readonly namespace: string;
  readonly person: string;
}

/** Call it in the transaction that makes the key of the login. @param at when */
export async function noteLogin(
  db: Kysely<Schema>,
  { namespace, person, name, role }: NotedLogin,
  at: ReturnType<typeof sql<number>>,
): Promise<void> {
  await db
    .insertInto('namespace_members')
    .values({ namespace, person, name, role, first_login_at: at, last_login_at: at })
    .onConflict((conflict) =>
      conflict.columns(['namespace', 'person']).doUpdateSet({ name, role, last_login_at: at }),
    )
    .execute();
  const oldest = db
    .selectFrom('namespace_members')
    .select('person')
    .where('namespace', '=', namespace)
    .orderBy('last_login_at', 'desc')
    .orderBy('person')
    .offset(mostMembers)
    .limit(mostMembers);
  await db
    .deleteFrom('namespace_members')
    .where('namespace', '=', namespace)
    .where('person', 'in', oldest)
    .execute();
}
