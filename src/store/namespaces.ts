/** Namespaces and their first keys. */
import type { Kysely } from 'kysely';
import { isFault, type JsonObject } from '../lib/index.ts';
import { parseObject } from './documents.ts';
import type { GroupWriter } from './group-writer.ts';
import { lockCode, lockHeldBytes } from './holdings.ts';
import { namespaceUsage } from './namespace-usage.ts';
import { digestOf, inTransaction, note } from './noted.ts';
import { pruneActivations } from './prune.ts';
import type { NamespaceTable, Schema } from './schema.ts';
import type { SqlWords } from './sql-words.ts';
import type { NamespaceRow, NamespaceStore } from './types/namespaces.ts';
import type { NotedChange } from './types/unsealed.ts';

/** Activations deleted per transaction when a namespace is deleted, so that other writes get their turn. */
const deleteChunk = 250;

export function namespaceStore(db: Kysely<Schema>, writer: GroupWriter, words: SqlWords): NamespaceStore {
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
        return await inTransaction(db, async (inside) => {
          await inside.insertInto('namespaces').values(values).execute();
          await note(inside, [{ what: 'create-namespace', ...namesOf(row), after: digestOfRow(row) }]);
          return true;
        });
      } catch (error) {
        if (isFault(error, 'STORE_DUPLICATE')) return false;
        throw error;
      }
    },
    update: (row, expected) =>
      inTransaction(db, async (inside) => {
        // Two updates come one after the other, so that each sees what it replaces.
        await lockHeldBytes(inside, row.name);
        const found = await inside
          .selectFrom('namespaces')
          .selectAll()
          .where('name', '=', row.name)
          .executeTakeFirst();
        if (found === undefined || stateOf(toRow(found)) !== stateOf(expected)) return false;
        const { key_id, key_hash, limits } = columnsOf(row);
        const columns = { key_id, key_hash, limits };
        await inside.updateTable('namespaces').set(columns).where('name', '=', row.name).execute();
        await note(inside, updatesOf(toRow(found), row));
        return true;
      }),
    putSettings: (name, settings, expected) =>
      inTransaction(db, async (inside) => {
        if (!(await putSettings(inside, name, settings, expected))) return false;
        const digests = { before: digestOf(expected), after: digestOf(settings) };
        await note(inside, [{ what: 'set-settings', ...namesOf({ name }), ...digests }]);
        return true;
      }),
    async delete(name) {
      await writer.flushNamespace(name).catch(() => {});
      while ((await pruneActivations(db, { namespace: name, keep: 0, max: deleteChunk })) > 0);
      // Deletes everything else in it, and records that were appended meanwhile.
      return inTransaction(db, async (inside) => {
        await lockHeldBytes(inside, name);
        const named = await inside
          .selectFrom('named_code')
          .select('digest')
          .where('namespace', '=', name)
          .execute();
        await lockCode(
          inside,
          words,
          named.map(({ digest }) => digest),
        );
        const row = await inside
          .deleteFrom('namespaces')
          .where('name', '=', name)
          .returningAll()
          .executeTakeFirst();
        if (row === undefined) return false;
        const gone = toRow(row);
        await note(inside, [{ what: 'delete-namespace', ...namesOf(gone), before: digestOfRow(gone) }]);
        return true;
      });
    },
  };
}

/** See `NamespaceStore`. By itself, it leaves no entry in the audit log: for settings that are encrypted anew. */
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

/** One for each setting that differs. */
function updatesOf(before: NamespaceRow, after: NamespaceRow): readonly NotedChange[] {
  const parts = [
    { what: 'rotate-key', of: ({ keyId }: NamespaceRow) => digestOf(keyId) },
    { what: 'set-limits', of: ({ limits }: NamespaceRow) => digestOf(limits) },
  ];
  return parts.flatMap(({ what, of }) => {
    const [was, is] = [of(before), of(after)];
    return was === is ? [] : [{ what, ...namesOf(after), before: was, after: is }];
  });
}

function namesOf({ name }: Pick<NamespaceRow, 'name'>) {
  return { name: `/${name}`, namespace: name };
}

/** Of what an update may replace, and of the namespace itself: it may have been deleted, and its name given again. */
function stateOf({ settings: _, ...state }: NamespaceRow): string {
  return digestOf({ ...state });
}

/** The hash of its key's secret is left out. */
function digestOfRow({ keyHash: _, ...rest }: NamespaceRow): string {
  return digestOf({ ...rest });
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
