/** Domains of namespaces. An index of the database ensures that at most one claim to a name is proved. */
import type { Kysely } from 'kysely';
import { isFault } from '../lib/index.ts';
import { lockHeldBytes } from './holdings.ts';
import { digestOf, inTransaction, note } from './noted.ts';
import type { DomainTable, Schema } from './schema.ts';
import type { DomainRow, DomainStore, DomainTarget } from './types/domains.ts';
import type { NotedChange } from './types/unsealed.ts';

export function domainStore(db: Kysely<Schema>): DomainStore {
  return {
    get: (namespace, name) => get(db, namespace, name),
    async list(namespace) {
      const rows = await db
        .selectFrom('domains')
        .selectAll()
        .where('namespace', '=', namespace)
        .orderBy('name')
        .execute();
      return rows.map(toRow);
    },
    async owner(name) {
      const row = await db
        .selectFrom('domains')
        .selectAll()
        .where('name', '=', name)
        .where('proved_at', 'is not', null)
        .executeTakeFirst();
      return row === undefined ? undefined : toRow(row);
    },
    async proved(after, limit) {
      const rows = await db
        .selectFrom('domains')
        .selectAll()
        .where('name', '>', after)
        .where('proved_at', 'is not', null)
        .orderBy('name')
        .limit(limit)
        .execute();
      return rows.map(toRow);
    },
    put: (row, most) => inTransaction(db, (inside) => put(inside, row, most)),
    prove: (claim, loser, at) =>
      inTransaction(db, (inside) => prove(inside, claim, loser, at)).catch((error: unknown) => {
        // It has left the transaction, so nothing is changed.
        if (error === outdated || isFault(error, 'STORE_DUPLICATE')) return false;
        throw error;
      }),
    delete: (namespace, name) =>
      inTransaction(db, async (inside) => {
        const row = await inside
          .deleteFrom('domains')
          .where('namespace', '=', namespace)
          .where('name', '=', name)
          .returningAll()
          .executeTakeFirst();
        if (row === undefined) return false;
        const gone = toRow(row);
        await note(inside, [{ what: 'delete-domain', ...namesOf(gone), before: digestOfRow(gone) }]);
        return true;
      }),
  };
}

const outdated = new Error('a claim is not as it was read');

async function get(db: Kysely<Schema>, namespace: string, name: string): Promise<DomainRow | undefined> {
  const row = await db
    .selectFrom('domains')
    .selectAll()
    .where('namespace', '=', namespace)
    .where('name', '=', name)
    .executeTakeFirst();
  return row === undefined ? undefined : toRow(row);
}

async function put(db: Kysely<Schema>, row: DomainRow, most: number): Promise<DomainRow | undefined> {
  // Claims of a namespace wait for each other, so that none passes the bound beside another.
  await lockHeldBytes(db, row.namespace);
  const before = await get(db, row.namespace, row.name);
  if (before !== undefined) {
    const after = { ...before, target: row.target };
    if (digestOfRow(before) === digestOfRow(after)) return before;
    await matching(db, before).set(targetColumns(row.target)).execute();
    await note(db, [
      {
        ...{ what: 'update-domain', ...namesOf(row) },
        ...{ before: digestOfRow(before), after: digestOfRow(after) },
      },
    ]);
    return after;
  }
  const { count } = await db
    .selectFrom('domains')
    .select(({ fn }) => fn.countAll<number | string>().as('count'))
    .where('namespace', '=', row.namespace)
    .executeTakeFirstOrThrow();
  if (Number(count) >= most) return undefined;
  await db.insertInto('domains').values(columnsOf(row)).execute();
  await note(db, [{ what: 'create-domain', ...namesOf(row), after: digestOfRow(row) }]);
  return row;
}

/** @throws `outdated`; Fault STORE_DUPLICATE if another claim is proved */
async function prove(
  db: Kysely<Schema>,
  claim: DomainRow,
  loser: DomainRow | undefined,
  at: number,
): Promise<true> {
  const changes = [
    ...(loser === undefined ? [] : [await setProof(db, 'lose-domain', loser, null)]),
    await setProof(db, 'prove-domain', claim, at),
  ];
  await note(db, changes);
  return true;
}

async function setProof(
  db: Kysely<Schema>,
  what: string,
  row: DomainRow,
  provedAt: number | null,
): Promise<NotedChange> {
  const stored = await matching(db, row)
    .set({ proved_at: provedAt })
    .where('token', '=', row.token)
    .where('proved_at', provedAt === null ? 'is not' : 'is', null)
    .returningAll()
    .executeTakeFirst();
  if (stored === undefined) throw outdated;
  const after = toRow(stored);
  const before = { ...after, provedAt: row.provedAt };
  return { what, ...namesOf(row), before: digestOfRow(before), after: digestOfRow(after) };
}

function matching(db: Kysely<Schema>, { namespace, name }: DomainRow) {
  return db.updateTable('domains').where('namespace', '=', namespace).where('name', '=', name);
}

function namesOf({ namespace, name }: DomainRow) {
  return { name: `/${namespace}/${name}`, namespace };
}

function digestOfRow({ target, ...row }: DomainRow): string {
  return digestOf({ ...row, target: { ...target } });
}

function columnsOf({ namespace, name, token, target, createdAt, provedAt }: DomainRow): DomainTable {
  return { namespace, name, token, ...targetColumns(target), created_at: createdAt, proved_at: provedAt };
}

function targetColumns(target: DomainTarget): Pick<DomainTable, 'package' | 'base_path'> {
  return target.kind === 'package'
    ? { package: target.package, base_path: null }
    : { package: null, base_path: target.basePath };
}

function toRow(row: DomainTable): DomainRow {
  const { namespace, name, token, package: inPackage, base_path: basePath } = row;
  const target: DomainTarget =
    inPackage === null ? { kind: 'api', basePath: basePath ?? '/' } : { kind: 'package', package: inPackage };
  return { namespace, name, token, target, createdAt: row.created_at, provedAt: row.proved_at };
}
