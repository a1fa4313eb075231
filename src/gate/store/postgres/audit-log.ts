/**
 * The audit log's chain in PostgreSQL. A transaction that appends locks the head until it ends, so the appends of all servers
 * have one order, and no two entries follow the same one.
 */
import { z } from 'zod';
import type { PostgresConnection } from '../../../store/index.ts';
import { gateFault } from '../../faults.ts';
import { firstPrevHash, type Head, type Row, sealEntries } from '../audit-chain.ts';
import type { AuditDraft } from '../audit-entry.ts';
import { selectAll, selectOne } from './rows.ts';

const headRow = z.object({ seq: z.int(), hash: z.string() });
const entryRow = headRow.extend({ text: z.string() });

/** Call it inside a transaction of the level read committed, and late: other servers wait from here to its end. */
export async function appendEntries(
  connection: PostgresConnection,
  drafts: readonly AuditDraft[],
): Promise<void> {
  if (drafts.length === 0) return;
  const rows = sealEntries(drafts, await lockHead(connection));
  await connection.raw(
    `insert into gate.audit (seq, entry, hash) select * from unnest($1::bigint[], $2::text[], $3::text[])`,
    [rows.map(({ seq }) => seq), rows.map(({ text }) => text), rows.map(({ hash }) => hash)],
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

async function lockHead(connection: PostgresConnection): Promise<Head> {
  const head = await selectOne(connection, headRow, 'select seq, hash from gate.audit_head for update');
  if (head !== undefined) return head;
  throw gateFault('GATE_STORE_CORRUPT', 'the head of the audit log is missing', {
    hint: 'Restore the database from a backup of PostgreSQL.',
  });
}
