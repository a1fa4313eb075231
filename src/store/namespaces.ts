/** Namespaces and their first keys. */
import type { Kysely } from 'kysely';
import { isFault, type JsonObject } from '../lib/index.ts';
import { parseObject } from './documents.ts';
import type { GroupWriter } from './group-writer.ts';
import { namespaceUsage } from './namespace-usage.ts';
import { pruneActivations } from './prune.ts';
import type { NamespaceTable, Schema } from './schema.ts';
import type { NamespaceRow, NamespaceStore } from './types/namespaces.ts';

/** Activations deleted per transaction when a namespace is deleted, so that other writes get their turn. */
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
    async count() {
      const row = await db
        .selectFrom('namespaces')
        .select((build) => build.fn.countAll<number>().as('total'))
        .executeTakeFirstOrThrow();
      return Number(row.total);
    },
    async usage(page) {
      await writer.flush();
      return namespaceUsage(db, page);
    },
    async create(row) {
      const values = { name: row.name, ...columnsOf(row) };
      try {
        await db.insertInto('namespaces').values(values).execute();
        return true;
      } catch (error) {
        if (isFault(error, 'STORE_DUPLICATE')) return false;
        throw error;
      }
    },
    async update(row) {
      const { settings: _, ...columns } = columnsOf(row);
      const result = await db
        .updateTable('namespaces')
        .set(columns)
        .where('name', '=', row.name)
        .executeTakeFirst();
      return result.numUpdatedRows === 1n;
    },
    putSettings: (...put) => putSettings(db, ...put),
    async delete(name) {
      await writer.flushNamespace(name).catch(() => {});
      while ((await pruneActivations(db, { namespace: name, keep: 0, max: deleteChunk })) > 0);
      // Deletes everything else in it, and records that were appended meanwhile.
      const result = await db.deleteFrom('namespaces').where('name', '=', name).executeTakeFirst();
      return result.numDeletedRows === 1n;
    },
  };
}

/** See `NamespaceStore`. */
export async function putSettings(
  db: Kysely<Schema>,
  name: string,
  settings: JsonObject,
  expected: JsonObject,
): Promise<boolean> {
  const result = await db
    .updateTable('namespaces')
    .set({ settings: JSON.stringify(settings) })
    .where('name', '=', name)
    .where('settings', '=', JSON.stringify(expected))
    .executeTakeFirst();
  return result.numUpdatedRows === 1n;
}

function columnsOf(row: NamespaceRow): Omit<NamespaceTable, 'name'> {
  return {
    key_id: row.keyId,
    key_hash: row.keyHash,
    limits: JSON.stringify(row.limits),
    created_at: row.createdAt,
    settings: JSON.stringify(row.settings),
  };
}

function toRow(row: NamespaceTable): NamespaceRow {
  return {
    name: row.name,
    keyId: row.key_id,
    keyHash: row.key_hash,
    limits: parseObject(row.limits),
    settings: parseObject(row.settings),
    createdAt: row.created_at,
  };
}
