/** Namespaces and their keys. */
import type { Kysely } from 'kysely';
import { parseObject } from './documents.ts';
import type { GroupWriter } from './group-writer.ts';
import type { NamespaceTable, Schema } from './schema.ts';
import type { NamespaceRow, NamespaceStore } from './types.ts';

/** So many activations go per transaction when a namespace is deleted, so that others get their turn. */
const deleteChunk = 250;

export function namespaceStore(db: Kysely<Schema>, writer: GroupWriter): NamespaceStore {
  return {
    async byName(name) {
      const row = await db.selectFrom('namespaces').selectAll().where('name', '=', name).executeTakeFirst();
      return row === undefined ? undefined : toRow(row);
    },
    async byKeyId(keyId) {
      const row = await db
        .selectFrom('namespaces')
        .selectAll()
        .where('key_id', '=', keyId)
        .executeTakeFirst();
      return row === undefined ? undefined : toRow(row);
    },
    async list() {
      return (await db.selectFrom('namespaces').selectAll().orderBy('name').execute()).map(toRow);
    },
    async create(row) {
      const result = await db
        .insertInto('namespaces')
        .values({ name: row.name, ...columnsOf(row) })
        .onConflict((conflict) => conflict.doNothing())
        .executeTakeFirst();
      return result.numInsertedOrUpdatedRows === 1n;
    },
    async update(row) {
      const result = await db
        .updateTable('namespaces')
        .set(columnsOf(row))
        .where('name', '=', row.name)
        .executeTakeFirst();
      return result.numUpdatedRows === 1n;
    },
    async delete(name) {
      await writer.flushNamespace(name);
      while (await deleteSomeActivations(db, name));
      // Its entities, its accepted invocations and what was appended meanwhile go with it.
      const result = await db.deleteFrom('namespaces').where('name', '=', name).executeTakeFirst();
      return result.numDeletedRows === 1n;
    },
  };
}

async function deleteSomeActivations(db: Kysely<Schema>, namespace: string): Promise<boolean> {
  const some = db
    .selectFrom('activations')
    .select('activation_id')
    .where('namespace', '=', namespace)
    .limit(deleteChunk);
  const result = await db.deleteFrom('activations').where('activation_id', 'in', some).executeTakeFirst();
  return result.numDeletedRows === BigInt(deleteChunk);
}

function columnsOf(row: NamespaceRow): Omit<NamespaceTable, 'name'> {
  return {
    key_id: row.keyId,
    key_hash: row.keyHash,
    limits: JSON.stringify(row.limits),
    created_at: row.createdAt,
  };
}

function toRow(row: NamespaceTable): NamespaceRow {
  return {
    name: row.name,
    keyId: row.key_id,
    keyHash: row.key_hash,
    limits: parseObject(row.limits),
    createdAt: row.created_at,
  };
}
