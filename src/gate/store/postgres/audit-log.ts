/**
 * The audit log's chain in PostgreSQL. A transaction that appends locks the head until it ends, so the appends of all servers
 * have one order, and no two entries follow the same one.
 */
import { z } from 'zod';
import type { PostgresConnection } from '../../../store/index.ts';
import { gateFault } from '../../faults.ts';
import { type EntryQuery, firstPrevHash, type Head, type Row, sealEntries } from '../audit-chain.ts';
import type { AuditDraft } from '../audit-entry.ts';
import { selectAll, selectOne } from './rows.ts';

const headRow = z.object({ seq: z.int(), hash: z.string() });
const idRow = z.object({ id: z.string() });
const entryRow = headRow.extend({ text: z.string() });

/** Call it inside a transaction of the level read committed, and late: other servers wait from here to its end. */
export async function appendEntries(
  connection: PostgresConnection,
  drafts: readonly AuditDraft[],
): Promise<void> {
  if (drafts.length === 0) return;
  const last = await lockHead(connection);
  const rows = sealEntries(await newOf(connection, drafts), last);
  if (rows.length === 0) return;
  await connection.raw(
    `insert into gate.audit (seq, entry, hash) select * from unnest($1::bigint[], $2::text[], $3::text[])`,
    [rows.map(({ seq }) => seq), rows.map(({ text }) => text), rows.map(({ hash }) => hash)],
  );
  await connection.raw(
    `insert into gate.audit_index (seq, at, namespace, id)
       select * from unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[])`,
    [
      rows.map(({ seq }) => seq),
      rows.map(({ at }) => at),
      rows.map(({ namespace }) => namespace),
      rows.map(({ id }) => id),
    ],
  );
  const head = rows.at(-1);
  await connection.raw('update gate.audit_head set seq = $1, hash = $2', [head?.seq, head?.hash]);
}

export async function headOf(connection: PostgresConnection): Promise<Head> {
  const head = await selectOne(connection, headRow, 'select seq, hash from gate.audit_head');
  return head ?? { seq: 0, hash: firstPrevHash };
}

export function rowsAfter(
  connection: PostgresConnection,
  after: number,
  limit: number,
): Promise<readonly Row[]> {
  const sql = 'select seq, entry as text, hash from gate.audit where seq > $1 order by seq limit $2';
  return selectAll(connection, entryRow, sql, [after, limit]);
}

export function findRows(connection: PostgresConnection, query: EntryQuery): Promise<readonly Row[]> {
  const { after, before, namespace, since, until, isNewestFirst, limit } = query;
  const own = namespace === undefined ? '' : 'and namespace = $6';
  const sql = `select seq, entry as text, hash from gate.audit_index join gate.audit using (seq)
    where seq > $1 and seq < $2 and at >= $3 and at < $4 ${own}
    order by seq ${isNewestFirst ? 'desc' : 'asc'} limit $5`;
  const values = [after, before, since, until, limit, ...(namespace === undefined ? [] : [namespace])];
  return selectAll(connection, entryRow, sql, values);
}

/** Without those that the log has. Call it when the head is locked: no other server adds any meanwhile. */
async function newOf(
  connection: PostgresConnection,
  drafts: readonly AuditDraft[],
): Promise<readonly AuditDraft[]> {
  const ids = drafts.flatMap(({ id }) => (id === undefined ? [] : [id]));
  if (ids.length === 0) return drafts;
  const sql = 'select id from gate.audit_index where id = any($1)';
  const known = new Set((await selectAll(connection, idRow, sql, [ids])).map(({ id }) => id));
  return drafts.filter(({ id }) => {
    if (id === undefined) return true;
    const isNew = !known.has(id);
    known.add(id);
    return isNew;
  });
}

async function lockHead(connection: PostgresConnection): Promise<Head> {
  const head = await selectOne(connection, headRow, 'select seq, hash from gate.audit_head for update');
  if (head !== undefined) return head;
  throw gateFault('GATE_STORE_CORRUPT', 'the head of the audit log is missing', {
    hint: 'Restore the database from a backup of PostgreSQL.',
  });
}
