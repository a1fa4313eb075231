/**
 * The queue of accepted invocations: durable before the 202, owned by a node, claimed by attempt, settled by their
 * record. A node's lease is one row, so that renewing it costs the same for any number of calls.
 */
import { type Kysely, sql } from 'kysely';
import { isFault } from '../lib/index.ts';
import { parseValue } from './documents.ts';
import { answerLost } from './faults.ts';
import type { GroupWriter } from './group-writer.ts';
import { inTransaction } from './noted.ts';
import type { AcceptedTable, Schema } from './schema.ts';
import type { SqlWords } from './sql-words.ts';
import { statement, step, writeUnits } from './statements.ts';
import type { AcceptedCounts, AcceptedQueue, AcceptedRow, AdoptedRow } from './types/accepted.ts';

/** The group of claims and settlements, which do not know their namespace. No read of activations depends on it. */
const anyNamespace = '';
/** Of a call that was released. */
const noOwner = '';
/** For a row that exists. */
const mark = { namespace: anyNamespace, urgent: true, lasting: true, essential: true };

interface Counted {
  readonly waiting: number | string;
  readonly begun: number | string;
  readonly age: number | string | null;
}

export function acceptedQueue(db: Kysely<Schema>, writer: GroupWriter, words: SqlWords): AcceptedQueue {
  const { now } = words;
  const units = writeUnits(db);
  const leases = leaseStatements(db, now);
  const write = (of: (typeof leases)[keyof typeof leases], values: readonly (string | number)[]) =>
    writer.submit({ namespace: anyNamespace, unit: [step(of, values)], urgent: true });
  const doubtful: Doubtful = new Map();
  const settle = async (activationId: string, attempt: number) => {
    await writer.submit({ ...mark, unit: units.settle(activationId, attempt) });
  };
  const counting = () =>
    db
      .selectFrom('accepted')
      .select(({ fn, eb }) => [
        fn.countAll<number>().filterWhere('attempt', '=', 0).as('waiting'),
        fn.countAll<number>().filterWhere('attempt', '>', 0).as('begun'),
        eb(now, '-', fn.min('accepted_at').filterWhere('attempt', '=', 0)).as('age'),
      ]);
  return {
    async accept(row, attempt = 0) {
      try {
        await writer.submit({ namespace: row.namespace, unit: units.accept(row, attempt), urgent: true });
      } catch (error) {
        if (!isFault(error, 'STORE_ANSWER_LOST')) throw error;
        // Its caller is told to look for it. Another server can run it meanwhile.
        settle(row.activationId, attempt).catch(() => {});
        throw answerLost(error, { activationId: row.activationId });
      }
    },
    async claim(activationId, attempt, node) {
      const unit = units.claim(activationId, attempt, node);
      return (await writer.submit({ ...mark, unit })) === 1;
    },
    async extend({ node, leaseMs }) {
      if ((await write(leases.renew, [leaseMs, node])) === 1) return true;
      await write(leases.begin, [node, leaseMs]);
      return false;
    },
    async endOtherLeases(node) {
      await write(leases.endOthers, [node]);
    },
    async leave(node) {
      await write(leases.end, [node]);
    },
    async adopt(node, max, except = []) {
      const adopted = await adoptedBefore(db, node, doubtful);
      for (const owner of await ownersWithoutLease(db, now, node)) {
        if (adopted.length >= max) break;
        const from = { owner, node, max: max - adopted.length, except, doubtful };
        adopted.push(...(await inTransaction(db, (on) => adoptFrom(on, words, from))));
      }
      doubtful.clear();
      return adopted.toSorted((a, b) => a.acceptedAt - b.acceptedAt);
    },
    async release(activationId, node) {
      await write(leases.release, [activationId, node]);
    },
    settle,
    async get(namespace, activationId) {
      await writer.flushNamespace(namespace);
      await writer.flushNamespace(anyNamespace);
      const row = await db
        .selectFrom('accepted')
        .selectAll()
        .where('activation_id', '=', activationId)
        .where('namespace', '=', namespace)
        .executeTakeFirst();
      return row === undefined ? undefined : toRow(row);
    },
    async ofNamespace(namespace, limit) {
      await writer.flushNamespace(namespace);
      await writer.flushNamespace(anyNamespace);
      const rows = await db
        .selectFrom('accepted')
        .selectAll()
        .where('namespace', '=', namespace)
        .orderBy('accepted_at')
        .orderBy('activation_id')
        .limit(limit)
        .execute();
      return rows.map(toRow);
    },
    async pending(limit) {
      await writer.flush();
      const rows = await db
        .selectFrom('accepted')
        .selectAll()
        .orderBy('owner')
        .orderBy('accepted_at')
        .orderBy('activation_id')
        .limit(limit)
        .execute();
      return rows.map(toRow);
    },
    counts: async () => countsOf(await counting().executeTakeFirstOrThrow()),
    async countsByNamespace() {
      const rows = await counting().select('namespace').groupBy('namespace').orderBy('namespace').execute();
      return rows.map(({ namespace, ...counts }) => ({ namespace, ...countsOf(counts) }));
    },
    async isServed() {
      const row = await db
        .selectFrom('nodes')
        .select('name')
        .where('lease_until', '>', now)
        .executeTakeFirst();
      return row !== undefined;
    },
    async needsCode(digest) {
      await writer.flush();
      const row = await db
        .selectFrom('accepted')
        .select('activation_id')
        .where('code_digest', '=', digest)
        .limit(1)
        .executeTakeFirst();
      return row !== undefined;
    },
  };
}

function leaseStatements(db: Kysely<Schema>, now: SqlWords['now']) {
  const until = sql<number>`${now} + ${0}`;
  return {
    renew: statement(
      db
        .updateTable('nodes')
        .set({ lease_until: until })
        .where('name', '=', '')
        .where('lease_until', '>', now),
    ),
    begin: statement(
      db
        .insertInto('nodes')
        .values({ name: '', lease_until: until })
        .onConflict((conflict) =>
          conflict.column('name').doUpdateSet((row) => ({ lease_until: row.ref('excluded.lease_until') })),
        ),
    ),
    end: statement(db.deleteFrom('nodes').where('name', '=', '')),
    endOthers: statement(db.deleteFrom('nodes').where('name', '<>', '')),
    release: statement(
      db
        .updateTable('accepted')
        .set({ owner: sql.lit(noOwner) })
        .where('activation_id', '=', '')
        .where('owner', '=', ''),
    ),
  };
}

/** Finds one owner after another by the index, without reading their calls. */
async function ownersWithoutLease(
  db: Kysely<Schema>,
  now: SqlWords['now'],
  node: string,
): Promise<readonly string[]> {
  const { rows } = await sql<{ owner: string }>`
    with recursive owners (owner) as (
      select min(accepted.owner) from accepted
      union all
      select (select min(accepted.owner) from accepted where accepted.owner > owners.owner)
        from owners where owners.owner is not null)
    select owner from owners
      where owner <> ${node}
        and not exists (select 1 from nodes where name = owners.owner and lease_until > ${now})
  `.execute(db);
  return rows.map(({ owner }) => owner);
}

/** Calls that an adoption may have taken whose answer was lost, and whether they had been released before. */
type Doubtful = Map<string, boolean>;

interface Adoption {
  readonly owner: string;
  readonly node: string;
  readonly max: number;
  readonly except: readonly string[];
  /** It adds those that it may take. */
  readonly doubtful: Doubtful;
}

/** Those of these calls that the node owns. Nobody knows of them, because the answer to their adoption was lost. */
async function adoptedBefore(db: Kysely<Schema>, node: string, doubtful: Doubtful): Promise<AdoptedRow[]> {
  if (doubtful.size === 0) return [];
  const rows = await db
    .selectFrom('accepted')
    .selectAll()
    .where('activation_id', 'in', [...doubtful.keys()])
    .where('owner', '=', node)
    .execute();
  return rows.map((row) => ({ ...toRow(row), wasReleased: doubtful.get(row.activation_id) === true }));
}

/**
 * The calls of the owner, unless its lease has been renewed by now. Leaves out those that another transaction changes:
 * it would wait for several rows in another order than the transaction does.
 */
async function adoptFrom(
  db: Kysely<Schema>,
  { now, listed, unlocked }: SqlWords,
  { owner, node, max, except, doubtful }: Adoption,
): Promise<readonly AdoptedRow[]> {
  const wasReleased = owner === noOwner;
  const oldest = await db
    .selectFrom('accepted')
    .select('activation_id')
    .where('owner', '=', owner)
    .$if(except.length > 0, (query) => query.where('activation_id', 'not in', listed(except)))
    .orderBy('accepted_at')
    .orderBy('activation_id')
    .limit(max)
    .modifyEnd(unlocked)
    .execute();
  if (oldest.length === 0) return [];
  const ids = oldest.map((row) => row.activation_id);
  for (const id of ids) doubtful.set(id, wasReleased);
  const rows = await db
    .updateTable('accepted')
    .set({ owner: node })
    .where('owner', '=', owner)
    .where('activation_id', 'in', ids)
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(selectFrom('nodes').select('name').where('name', '=', owner).where('lease_until', '>', now)),
      ),
    )
    .returningAll()
    .execute();
  return rows.map((row) => ({ ...toRow(row), wasReleased }));
}

function toRow(row: AcceptedTable): AcceptedRow {
  return {
    activationId: row.activation_id,
    namespace: row.namespace,
    acceptedAt: row.accepted_at,
    attempt: row.attempt,
    owner: row.owner,
    job: parseValue(row.job),
  };
}

function countsOf({ waiting, begun, age }: Counted): AcceptedCounts {
  const oldestWaitingMs = age === null ? null : Math.max(0, Number(age));
  return { waiting: Number(waiting), begun: Number(begun), oldestWaitingMs };
}
