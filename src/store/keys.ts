/** Further keys of namespaces. The tables ensure that ids are unique, also among the first keys of namespaces. */
import type { Kysely } from 'kysely';
import type { KeyTable, Schema } from './schema.ts';
import type { KeyRow, KeyStore } from './types/keys.ts';

export function keyStore(db: Kysely<Schema>): KeyStore {
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
    async create(row) {
      await db.insertInto('keys').values(columnsOf(row)).execute();
    },
    async delete(namespace, keyId) {
      const result = await db
        .deleteFrom('keys')
        .where('key_id', '=', keyId)
        .where('namespace', '=', namespace)
        .executeTakeFirst();
      return result.numDeletedRows === 1n;
    },
  };
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
  };
}
