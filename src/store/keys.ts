/** Further keys of namespaces. The tables ensure that ids are unique, also among the first keys of namespaces. */
import { type Kysely, sql } from 'kysely';
import { digestOf, inTransaction, note } from './noted.ts';
import type { KeyTable, Schema } from './schema.ts';
import type { SqlWords } from './sql-words.ts';
import type { KeyRow, KeyStore } from './types/keys.ts';

export function keyStore(db: Kysely<Schema>, { now }: SqlWords): KeyStore {
  return {
    async byId(keyId) {
      const row = await db.selectFrom('keys').selectAll().where('key_id', '=', keyId).executeTakeFirst();
      return row === undefined ? undefined : toRow(row);
    },
    async list(namespace) {
      const rows = await db
        .selectFrom('keys')
        .selectAll()
        .where('namespace', '=', namespace)
        .orderBy('created_at')
        .orderBy('key_id')
        .execute();
      return rows.map(toRow);
    },
    create: (row) =>
      inTransaction(db, async (inside) => {
        await inside.insertInto('keys').values(columnsOf(row)).execute();
        await note(inside, [{ what: 'create-key', ...namesOf(row), after: digestOfRow(row) }]);
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
        const gone = toRow(row);
        await note(inside, [{ what: 'delete-key', ...namesOf(gone), before: digestOfRow(gone) }]);
        return true;
      }),
    logOut: (person, name) =>
      inTransaction(db, async (inside) => {
        const at = sql<number>`${now}`;
        await inside
          .insertInto('logouts')
          .values({ person, at })
          .onConflict((conflict) => conflict.column('person').doUpdateSet({ at }))
          .execute();
        await inside.deleteFrom('sessions').where('person', '=', person).execute();
        const rows = await inside.deleteFrom('keys').where('person', '=', person).returningAll().execute();
        const gone = rows.map(toRow);
        await note(inside, [
          { what: 'log-out-everywhere', name },
          ...gone.map((row) => ({ what: 'delete-key', ...namesOf(row), before: digestOfRow(row) })),
        ]);
        return gone.length;
      }),
    async loggedOutAt(person) {
      const row = await db.selectFrom('logouts').select('at').where('person', '=', person).executeTakeFirst();
      return row?.at;
    },
  };
}

function namesOf({ namespace, keyId }: KeyRow) {
  return { name: `/${namespace}/${keyId}`, namespace };
}

/** Of its rights; the hash of its secret is left out. */
function digestOfRow({ keyHash: _, ...rights }: KeyRow): string {
  return digestOf({ ...rights });
}

function columnsOf(row: KeyRow): KeyTable {
  return {
    key_id: row.keyId,
    namespace: row.namespace,
    key_hash: row.keyHash,
    scope: row.scope,
    label: row.label,
    created_at: row.createdAt,
    expires_at: row.expiresAt,
    person: row.person,
  };
}

function toRow(row: KeyTable): KeyRow {
  return {
    keyId: row.key_id,
    namespace: row.namespace,
    keyHash: row.key_hash,
    scope: row.scope,
    label: row.label,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    person: row.person,
  };
}
