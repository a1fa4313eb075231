/** APIs of the gateway: optimistic locking by revision. */
import type { Kysely } from 'kysely';
import { parseObject } from './documents.ts';
import { lockHeldBytes, withinBound } from './holdings.ts';
import { digestOf, inTransaction, note } from './noted.ts';
import type { ApiTable, Schema } from './schema.ts';
import type { SqlWords } from './sql-words.ts';
import type { ApiRow, ApiStore } from './types/apis.ts';

export function apiStore(db: Kysely<Schema>, words: SqlWords): ApiStore {
  return {
    async get(namespace, basePath) {
      const row = await db
        .selectFrom('apis')
        .selectAll()
        .where('namespace', '=', namespace)
        .where('base_path', '=', basePath)
        .executeTakeFirst();
      return row === undefined ? undefined : toRow(row);
    },
    async list(namespace) {
      const rows = await db
        .selectFrom('apis')
        .selectAll()
        .where('namespace', '=', namespace)
        .orderBy('base_path')
        .execute();
      return rows.map(toRow);
    },
    put: (row, expected, bound) =>
      withinBound(db, words, row.namespace, bound, async (inside) => {
        const before = expected === null ? undefined : await storedDigest(inside, row, expected);
        if (!(await (expected === null ? insert(inside, row) : replace(inside, row, expected)))) return false;
        const what = expected === null ? 'create-api' : 'update-api';
        await note(inside, [{ what, ...namesOf(row), before, after: digestOfRow(row) }]);
        return true;
      }),
    delete: (namespace, basePath) =>
      inTransaction(db, async (inside) => {
        await lockHeldBytes(inside, namespace);
        const row = await inside
          .deleteFrom('apis')
          .where('namespace', '=', namespace)
          .where('base_path', '=', basePath)
          .returningAll()
          .executeTakeFirst();
        if (row === undefined) return false;
        const gone = toRow(row);
        await note(inside, [{ what: 'delete-api', ...namesOf(gone), before: digestOfRow(gone) }]);
        return true;
      }),
  };
}

async function storedDigest(
  db: Kysely<Schema>,
  { namespace, basePath }: ApiRow,
  revision: string,
): Promise<string | undefined> {
  const row = await db
    .selectFrom('apis')
    .selectAll()
    .where('namespace', '=', namespace)
    .where('base_path', '=', basePath)
    .where('revision', '=', revision)
    .executeTakeFirst();
  return row === undefined ? undefined : digestOfRow(toRow(row));
}

function namesOf({ namespace, basePath }: ApiRow) {
  return { name: `/${namespace}${basePath}`, namespace };
}

function digestOfRow({ namespace, basePath, document }: ApiRow): string {
  return digestOf({ namespace, basePath, document });
}

async function insert(db: Kysely<Schema>, row: ApiRow): Promise<boolean> {
  const result = await db
    .insertInto('apis')
    .values({ namespace: row.namespace, base_path: row.basePath, ...columnsOf(row) })
    .onConflict((conflict) => conflict.columns(['namespace', 'base_path']).doNothing())
    .executeTakeFirst();
  return result.numInsertedOrUpdatedRows === 1n;
}

async function replace(db: Kysely<Schema>, row: ApiRow, expected: string): Promise<boolean> {
  const result = await db
    .updateTable('apis')
    .set(columnsOf(row))
    .where('namespace', '=', row.namespace)
    .where('base_path', '=', row.basePath)
    .where('revision', '=', expected)
    .executeTakeFirst();
  return result.numUpdatedRows === 1n;
}

function columnsOf(row: ApiRow): Omit<ApiTable, 'namespace' | 'base_path'> {
  return { revision: row.revision, updated_at: row.updatedAt, document: JSON.stringify(row.document) };
}

function toRow(row: ApiTable): ApiRow {
  return {
    namespace: row.namespace,
    basePath: row.base_path,
    revision: row.revision,
    updatedAt: row.updated_at,
    document: parseObject(row.document),
  };
}
