/** Actions, triggers, rules and packages: one table, optimistic locking by revision. */
import { type Kysely, sql } from 'kysely';
import { parseObject } from './documents.ts';
import { storeFault } from './faults.ts';
import { lockCode, lockHeldBytes, withinBound } from './holdings.ts';
import { digestOf, inTransaction, note } from './noted.ts';
import type { EntityTable, Schema } from './schema.ts';
import type { SqlWords } from './sql-words.ts';
import type { Collection, EarlierCode, EntityQuery, EntityRow, EntityStore } from './types/entities.ts';
import type { NotedChange } from './types/unsealed.ts';

export function entityStore(db: Kysely<Schema>, words: SqlWords): EntityStore {
  return {
    async get(namespace, path) {
      const row = await db
        .selectFrom('entities')
        .selectAll()
        .where('namespace', '=', namespace)
        .where('path', '=', path)
        .executeTakeFirst();
      return row === undefined ? undefined : toRow(row);
    },
    async list(query) {
      const rows = await matching(db, query)
        .selectAll()
        .orderBy('updated_at', 'desc')
        .orderBy('path')
        .limit(query.limit)
        .offset(query.skip)
        .execute();
      return rows.map(toRow);
    },
    async count(query) {
      const row = await matching(db, query)
        .select((build) => build.fn.countAll<number>().as('total'))
        .executeTakeFirstOrThrow();
      return Number(row.total);
    },
    put: (row, expected, bound, earlier) =>
      withinBound(db, words, row.namespace, bound, (inside, isTight) =>
        putNoted(inside, words, row, expected, isTight ? undefined : earlier),
      ),
    delete: (namespace, path, expected) =>
      inTransaction(db, async (inside) => {
        await lockHeldBytes(inside, namespace);
        await lockCode(inside, words, await codeOf(inside, namespace, path));
        const row = await inside
          .deleteFrom('entities')
          .where('namespace', '=', namespace)
          .where('path', '=', path)
          .where('revision', '=', expected)
          .returningAll()
          .executeTakeFirst();
        if (row === undefined) return false;
        await note(inside, [deletionOf(toRow(row))]);
        return true;
      }),
    deleteTree: (namespace, path, expected) =>
      inTransaction(db, async (inside) => {
        await lockHeldBytes(inside, namespace);
        await lockCode(inside, words, await codeIn(inside, namespace, path));
        const tree = inside.deleteFrom('entities').where('namespace', '=', namespace);
        const top = await tree
          .where('path', '=', path)
          .where('revision', '=', expected)
          .where('collection', '=', 'packages')
          .returningAll()
          .executeTakeFirst();
        if (top === undefined) return undefined;
        const content = (await tree.where('package', '=', path).returningAll().execute()).map(toRow);
        await note(inside, [...content, toRow(top)].map(deletionOf));
        return content;
      }),
    async countByCodeDigest(digest) {
      // Not from the view: SQLite would scan it, if only for the rows of this digest.
      const { now, earlier } = await db
        .selectNoFrom(({ selectFrom, fn }) => [
          selectFrom('entities')
            .where('code_digest', '=', digest)
            .select(fn.countAll<number>().as('total'))
            .as('now'),
          selectFrom('earlier_code')
            .where('digest', '=', digest)
            .select(fn.countAll<number>().as('total'))
            .as('earlier'),
        ])
        .executeTakeFirstOrThrow();
      return Number(now) + Number(earlier);
    },
    async codeAfter(digest, limit) {
      const rows = await db
        .selectFrom('entities')
        .select('code_digest as digest')
        .distinct()
        .where('code_digest', '>', digest)
        .orderBy('code_digest')
        .limit(limit)
        .execute();
      return rows.flatMap((row) => row.digest ?? []);
    },
    async actionsWithCode(digest) {
      const rows = await db
        .selectFrom('entities')
        .select(['namespace', 'path'])
        .where('code_digest', '=', digest)
        .limit(5)
        .execute();
      return rows.map(({ namespace, path }) => `${namespace}/${path}`).toSorted();
    },
    async earlierCode(namespace, path) {
      const row = await db
        .selectFrom('earlier_code')
        .select(['digest', 'document'])
        .where('namespace', '=', namespace)
        .where('path', '=', path)
        .executeTakeFirst();
      return row === undefined ? undefined : { digest: row.digest, document: parseObject(row.document) };
    },
    earlierDigests: (namespace, inPackage) => earlierDigests(db, namespace, inPackage),
  };
}

function matching(db: Kysely<Schema>, query: Omit<EntityQuery, 'skip' | 'limit'>) {
  let rows = db
    .selectFrom('entities')
    .where('namespace', '=', query.namespace)
    .where('collection', '=', query.collection);
  if (query.package !== undefined) rows = rows.where('package', '=', query.package);
  if (query.link !== undefined) rows = rows.where('link', '=', query.link);
  // Written as a literal: SQLite uses the partial index only if the text of the query contains its condition.
  if (query.shared !== undefined) rows = rows.where('shared', '=', (build) => build.lit(1));
  if (query.pathContains !== undefined) {
    const pattern = `%${query.pathContains.replaceAll(/[\\%_]/g, '\\$&')}%`;
    rows = rows.where(sql<boolean>`lower(path) like lower(${pattern}) escape '\\'`);
  }
  return rows;
}

async function putNoted(
  db: Kysely<Schema>,
  words: SqlWords,
  row: EntityRow,
  expected: string | null,
  earlier: EarlierCode | undefined,
): Promise<boolean> {
  const before = expected === null ? undefined : await storedRow(db, row, expected);
  if (expected !== null && before === undefined) return false;
  const named = before === undefined ? [] : await codeOf(db, row.namespace, row.path);
  await lockCode(db, words, [...named, row.codeDigest]);
  // Before its action leaves the code: else its size is forgotten.
  if (earlier !== undefined) await keepEarlier(db, row, earlier);
  if (!(await (expected === null ? insert(db, row) : replace(db, row, expected)))) return false;
  // With the same revision, it is the same entity whose parameters were encrypted anew.
  if (row.revision === expected) return true;
  const what = `${expected === null ? 'create' : 'update'}-${nouns[row.collection]}`;
  await note(db, [{ what, ...namesOf(row), before: before && digestOfRow(before), after: digestOfRow(row) }]);
  return true;
}

async function keepEarlier(
  db: Kysely<Schema>,
  { namespace, path }: EntityRow,
  { digest, document }: EarlierCode,
): Promise<void> {
  const columns = { digest, document: JSON.stringify(document) };
  await db
    .insertInto('earlier_code')
    .values({ namespace, path, ...columns })
    .onConflict((conflict) => conflict.columns(['namespace', 'path']).doUpdateSet(columns))
    .execute();
}

/** Digests of the code of one action, and of its earlier code. */
async function codeOf(db: Kysely<Schema>, namespace: string, path: string): Promise<readonly string[]> {
  const rows = await db
    .selectFrom('named_code')
    .select('digest')
    .where('namespace', '=', namespace)
    .where('path', '=', path)
    .execute();
  return rows.map(({ digest }) => digest);
}

/** Digests of the earlier code of the actions of a namespace, or of one of its packages. */
async function earlierDigests(
  db: Kysely<Schema>,
  namespace: string,
  inPackage: string | undefined,
): Promise<readonly string[]> {
  let rows = db.selectFrom('earlier_code').select('digest').where('namespace', '=', namespace);
  if (inPackage !== undefined) {
    const inside = db
      .selectFrom('entities')
      .select('path')
      .where('namespace', '=', namespace)
      .where('collection', '=', 'actions')
      .where('package', '=', inPackage);
    rows = rows.where('path', 'in', inside);
  }
  return (await rows.execute()).map(({ digest }) => digest);
}

/** Digests of the code of the actions in a package, and of their earlier code. */
async function codeIn(
  db: Kysely<Schema>,
  namespace: string,
  path: string,
): Promise<readonly (string | null)[]> {
  const rows = await db
    .selectFrom('entities')
    .select('code_digest')
    .where('namespace', '=', namespace)
    .where('package', '=', path)
    .execute();
  return [...rows.map(({ code_digest: digest }) => digest), ...(await earlierDigests(db, namespace, path))];
}

async function storedRow(
  db: Kysely<Schema>,
  { namespace, path }: EntityRow,
  revision: string,
): Promise<EntityRow | undefined> {
  const row = await db
    .selectFrom('entities')
    .selectAll()
    .where('namespace', '=', namespace)
    .where('path', '=', path)
    .where('revision', '=', revision)
    .executeTakeFirst();
  return row === undefined ? undefined : toRow(row);
}

const nouns: Readonly<Record<Collection, string>> = {
  actions: 'action',
  triggers: 'trigger',
  rules: 'rule',
  packages: 'package',
};

function deletionOf(row: EntityRow): NotedChange {
  return { what: `delete-${nouns[row.collection]}`, ...namesOf(row), before: digestOfRow(row) };
}

function namesOf({ namespace, path }: EntityRow) {
  return { name: `/${namespace}/${path}`, namespace };
}

/** Its revision and its time say nothing of what it is. */
function digestOfRow({ revision: _, updatedAt: __, ...content }: EntityRow): string {
  return digestOf({ ...content });
}

async function insert(db: Kysely<Schema>, row: EntityRow): Promise<boolean> {
  const result = await db
    .insertInto('entities')
    .values({ namespace: row.namespace, path: row.path, ...columnsOf(row) })
    .onConflict((conflict) => conflict.columns(['namespace', 'path']).doNothing())
    .executeTakeFirst();
  return result.numInsertedOrUpdatedRows === 1n;
}

async function replace(db: Kysely<Schema>, row: EntityRow, expected: string): Promise<boolean> {
  const result = await db
    .updateTable('entities')
    .set(columnsOf(row))
    .where('namespace', '=', row.namespace)
    .where('path', '=', row.path)
    .where('revision', '=', expected)
    .executeTakeFirst();
  return result.numUpdatedRows === 1n;
}

function columnsOf(row: EntityRow): Omit<EntityTable, 'namespace' | 'path'> {
  return {
    package: packageOf(row.path),
    collection: row.collection,
    revision: row.revision,
    updated_at: row.updatedAt,
    code_digest: row.codeDigest,
    document: JSON.stringify(row.document),
    link: row.link,
    shared: row.shared ? 1 : 0,
  };
}

function packageOf(path: string): string {
  return path.slice(0, Math.max(0, path.indexOf('/')));
}

function toRow(row: EntityTable): EntityRow {
  return {
    namespace: row.namespace,
    path: row.path,
    collection: collectionOf(row.collection),
    revision: row.revision,
    updatedAt: row.updated_at,
    codeDigest: row.code_digest,
    link: row.link,
    shared: row.shared === 1,
    document: parseObject(row.document),
  };
}

const collections: readonly Collection[] = ['actions', 'triggers', 'rules', 'packages'];

function collectionOf(text: string): Collection {
  const collection = collections.find((name) => name === text);
  if (collection === undefined)
    throw storeFault('STORE_CORRUPT', `an entity has an unknown collection: ${text}`);
  return collection;
}
