/** Further keys of namespaces. The tables ensure that ids are unique, also among the first keys of namespaces. */
import { type Kysely, sql } from 'kysely';
import { creationOf, deletionOf, endOfLogins, keyColumns, keyOf } from './key-rows.ts';
import { noteLogin } from './namespace-members.ts';
import { inTransaction, note } from './noted.ts';
import type { Schema } from './schema.ts';
import type { SqlWords } from './sql-words.ts';
import type { KeyStore } from './types/keys.ts';

export function keyStore(db: Kysely<Schema>, words: SqlWords): KeyStore {
  const { now } = words;
  return {
    async byId(keyId) {
      const row = await db.selectFrom('keys').selectAll().where('key_id', '=', keyId).executeTakeFirst();
      return row === undefined ? undefined : keyOf(row);
    },
    async list(namespace) {
      const rows = await db
        .selectFrom('keys')
        .selectAll()
        .where('namespace', '=', namespace)
        .orderBy('created_at')
        .orderBy('key_id')
        .execute();
      return rows.map(keyOf);
    },
    create: (row, login) =>
      inTransaction(db, async (inside) => {
        await inside.insertInto('keys').values(keyColumns(row)).execute();
        const { namespace, person } = row;
        if (login !== undefined && person !== null)
          await noteLogin(inside, { namespace, person, ...login }, sql<number>`${now}`);
        await note(inside, [creationOf(row)]);
      }),
    delete: (namespace, keyId) =>
      inTransaction(db, async (inside) => {
        const row = await inside
          .deleteFrom('keys')
          .where('key_id', '=', keyId)
          .where('namespace', '=', namespace)
          .returningAll()
          .executeTakeFirst();
        if (row === undefined) return false;
        // Nobody can use them, and they count against others.
        await inside.deleteFrom('sessions').where('key_id', '=', keyId).execute();
        await note(inside, [deletionOf(row)]);
        return true;
      }),
    logOut: (person, name) =>
      inTransaction(db, async (inside) => {
        const at = await endOfLogins(inside, words, person);
        await inside
          .insertInto('logouts')
          .values({ person, at })
          .onConflict((conflict) =>
            conflict.column('person').doUpdateSet({ at }).where('logouts.at', '<', at),
          )
          .execute();
        await inside.deleteFrom('sessions').where('person', '=', person).execute();
        const rows = await inside.deleteFrom('keys').where('person', '=', person).returningAll().execute();
        await note(inside, [{ what: 'log-out-everywhere', name }, ...rows.map(deletionOf)]);
        return rows.length;
      }),
    async loggedOutAt(person) {
      const row = await db.selectFrom('logouts').select('at').where('person', '=', person).executeTakeFirst();
      return row?.at;
    },
  };
}
