/** The operations on the gate's tables in PostgreSQL: those of SQLite, one by one. */
import { z } from 'zod';
import type { PostgresConnection } from '../../../store/index.ts';
import { fileChanged } from '../../faults.ts';
import type * as sqlite from '../operations.ts';
import type { ArgumentsOf, OperationName, ResultOf } from '../requests.ts';
import type { GateWrite, PackedFindings, SharedFileWrite } from '../types.ts';
import { findRows, headOf, rowsAfter } from './audit-log.ts';
import { selectAll, selectOne } from './rows.ts';

export type Operation<Name extends OperationName> = (
  connection: PostgresConnection,
  ...args: ArgumentsOf<Name>
) => Promise<ResultOf<Name>>;

type Writes = { readonly [Name in keyof typeof sqlite.writes]: Operation<Name> };
type Reads = { readonly [Name in keyof typeof sqlite.reads]: Operation<Name> };

/** Each runs in a transaction with other writes. `write` leaves its audit entries to the caller. */
export const writes: Writes = {
  async putReport(connection, { digest, kind, name, scannedAt, head, inventory, findings }) {
    await connection.raw(
      `insert into gate.reports (digest, kind, name, scanned_at, head, inventory, findings)
       values ($1, $2, $3, $4, $5, $6, $7)
       on conflict (digest) do update set kind = excluded.kind, name = excluded.name,
         scanned_at = excluded.scanned_at, head = excluded.head, inventory = excluded.inventory,
         findings = excluded.findings`,
      [digest, kind, name, scannedAt, head, inventory, findings],
    );
  },
  async write(connection, write) {
    const { verdicts = [], findings = [], waivers, endedWaivers, noted, judgedWith } = write;
    await putFindings(connection, findings);
    await putVerdicts(connection, verdicts);
    await putRevisions(connection, 'noted', noted);
    await putRevisions(connection, 'judged', judgedWith);
    await changeWaivers(connection, waivers, endedWaivers);
    for (const file of write.sharedFiles ?? []) await putSharedFile(connection, file);
  },
  async forget(connection, { digest, since, judgedAt }) {
    await connection.raw(
      `delete from gate.verdicts where digest = $1 and judged_at <= $2 and stage = 'push' and outcome = 'deny'`,
      [digest, judgedAt],
    );
    await connection.raw(
      `delete from gate.reports r where digest = $1 and scanned_at <= $2
         and not exists (select from gate.verdicts v where v.digest = r.digest)`,
      [digest, since],
    );
  },
  /** The entry of the cut is appended with those of the other writes. */
  async cutAudit(connection, { seq, hash }) {
    await connection.raw(
      `insert into gate.audit_cut as kept values (1, $1, $2)
       on conflict (one) do update set seq = excluded.seq, hash = excluded.hash where kept.seq < excluded.seq`,
      [seq, hash],
    );
    for (const table of ['audit', 'audit_index'])
      await connection.raw(`delete from gate.${table} where seq <= $1`, [seq]);
    await connection.raw('delete from gate.checkpoints where seq < $1', [seq]);
  },
  async putCheckpoint(connection, { seq, checkpoint }) {
    await connection.raw(
      `insert into gate.checkpoints (seq, checkpoint) values ($1, $2)
       on conflict (seq) do update set checkpoint = excluded.checkpoint`,
      [seq, checkpoint],
    );
  },
};

const bytes = z.instanceof(Uint8Array);
const reportRow = z.object({ kind: z.string(), head: z.string(), inventory: bytes, findings: bytes });
const subjectRow = z.object({ digest: z.string(), kind: z.string() });
const countRow = z.object({ n: z.int() });
const verdictRow = z.object({ verdict: z.string() });
const judgedRow = z.object({
  digest: z.string(),
  kind: z.string().nullable(),
  name: z.string().nullable(),
  verdict: z.string(),
});
const refusedRow = z.object({
  ...{ digest: z.string(), namespaces: z.string(), since: z.string(), judgedAt: z.string() },
});
const revisionsRow = z.object({ revisions: z.string() });
const waiverRow = z.object({ waiver: z.string() });
const sharedFileRow = z.object({ revision: z.int(), digest: z.string(), bytes: bytes.nullable() });
const checkpointRow = z.object({ seq: z.int(), checkpoint: z.string() });
const headRow = z.object({ seq: z.int(), hash: z.string() });
const firstRow = z.object({ seq: z.int().nullable() });
const seqRow = z.object({ seq: z.int() });

export const reads: Reads = {
  report(connection, digest) {
    const sql = 'select kind, head, inventory, findings from gate.reports where digest = $1';
    return selectOne(connection, reportRow, sql, [digest]);
  },
  subjects(connection, after, limit) {
    const sql = 'select digest, kind from gate.reports where digest > $1 order by digest limit $2';
    return selectAll(connection, subjectRow, sql, [after, limit]);
  },
  async countReports(connection) {
    const row = await selectOne(connection, countRow, 'select count(*) as n from gate.reports');
    return row?.n ?? 0;
  },
  async verdict(connection, digest, stage, namespace) {
    const sql = 'select verdict from gate.verdicts where digest = $1 and stage = $2 and namespace = $3';
    return (await selectOne(connection, verdictRow, sql, [digest, stage, namespace]))?.verdict;
  },
  async verdicts(connection, digest) {
    const sql = 'select verdict from gate.verdicts where digest = $1 order by namespace, stage';
    return (await selectAll(connection, verdictRow, sql, [digest])).map(({ verdict }) => verdict);
  },
  judged(connection, { namespace, stage, outcome, name, skip, limit }) {
    const sql = `
      select v.digest, r.kind, r.name, v.verdict from gate.verdicts v left join gate.reports r on r.digest = v.digest
      where ($1::text in ('', v.namespace)) and ($2::text in ('', v.stage)) and ($3::text in ('', v.outcome))
        and ($4::text in ('', v.digest) or strpos(r.name, $4::text) > 0)
      order by v.judged_at desc, v.digest, v.stage, v.namespace limit $5 offset $6`;
    return selectAll(connection, judgedRow, sql, [namespace, stage, outcome, name, limit, skip]);
  },
  refused(connection, after, limit) {
    const sql = `
      select v.digest, json_agg(v.namespace order by v.namespace)::text as namespaces,
        coalesce(r.scanned_at, max(v.judged_at)) as since, max(v.judged_at) as "judgedAt"
      from gate.verdicts v left join gate.reports r on r.digest = v.digest
      where v.digest > $1 group by v.digest, r.scanned_at
      having bool_and(v.stage = 'push' and v.outcome = 'deny')
      order by v.digest limit $2`;
    return selectAll(connection, refusedRow, sql, [after, limit]);
  },
  async revisions(connection, kind) {
    const sql = 'select revisions from gate.revisions where kind = $1';
    return (await selectOne(connection, revisionsRow, sql, [kind]))?.revisions;
  },
  async waivers(connection) {
    const rows = await selectAll(connection, waiverRow, 'select waiver from gate.waivers');
    return rows.map(({ waiver }) => waiver);
  },
  sharedFile(connection, name, known) {
    const sql = `select revision, digest, case when digest = $2 then null else bytes end as bytes
      from gate.shared_files where name = $1`;
    return selectOne(connection, sharedFileRow, sql, [name, known]);
  },
  head: headOf,
  cut: (connection) => selectOne(connection, headRow, 'select seq, hash from gate.audit_cut'),
  async firstSince(connection, at) {
    const sql = 'select min(seq) as seq from gate.audit_index where at >= $1';
    return (await selectOne(connection, firstRow, sql, [at]))?.seq ?? undefined;
  },
  entries: rowsAfter,
  findEntries: findRows,
  checkpoints(connection) {
    return selectAll(connection, checkpointRow, 'select seq, checkpoint from gate.checkpoints order by seq');
  },
  async strays(connection, first, last, limit) {
    const sql = 'select seq from gate.audit where seq < $1 or seq > $2 order by seq limit $3';
    return (await selectAll(connection, seqRow, sql, [first, last, limit])).map(({ seq }) => seq);
  },
};

/** Sorted for the same reason as verdicts. Findings of the same report stay in their order. */
async function putFindings(
  connection: PostgresConnection,
  findings: readonly PackedFindings[],
): Promise<void> {
  for (const { head, bytes, digest, scannedAt } of findings.toSorted((a, b) =>
    a.digest < b.digest ? -1 : Number(a.digest > b.digest),
  ))
    await connection.raw(
      'update gate.reports set head = $1, findings = $2 where digest = $3 and scanned_at = $4',
      [head, bytes, digest, scannedAt],
    );
}

type StoredVerdict = NonNullable<GateWrite['verdicts']>[number];

/** The outcome has a column of its own: PostgreSQL does not read JSON that has an escaped NUL. */
async function putVerdicts(
  connection: PostgresConnection,
  verdicts: readonly StoredVerdict[],
): Promise<void> {
  if (verdicts.length === 0) return;
  const rows = newestOfEach(verdicts);
  await connection.raw(
    `insert into gate.verdicts as kept (digest, stage, namespace, judged_at, outcome, verdict)
     select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[])
     on conflict (digest, stage, namespace) do update
       set judged_at = excluded.judged_at, outcome = excluded.outcome, verdict = excluded.verdict
       where excluded.judged_at >= kept.judged_at`,
    [
      ...columns.map((column) => rows.map((verdict) => verdict[column])),
      rows.map((verdict) => JSON.stringify(verdict)),
    ],
  );
}

const columns = [
  'digest',
  'stage',
  'namespace',
  'judgedAt',
  'outcome',
] as const satisfies (keyof StoredVerdict)[];

/**
 * One statement can't change a row twice. The rows are in the same order on every server, so that two of them do not wait for
 * each other.
 */
function newestOfEach(verdicts: readonly StoredVerdict[]): readonly StoredVerdict[] {
  const newest = new Map<string, StoredVerdict>();
  for (const verdict of verdicts) {
    const key = keyOf(verdict);
    const other = newest.get(key);
    if (other === undefined || verdict.judgedAt >= other.judgedAt) newest.set(key, verdict);
  }
  return [...newest].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, verdict]) => verdict);
}

function keyOf({ digest, stage, namespace }: StoredVerdict): string {
  return `${digest} ${stage} ${namespace}`;
}

async function putRevisions(
  connection: PostgresConnection,
  kind: 'noted' | 'judged',
  revisions: GateWrite['noted'],
): Promise<void> {
  if (revisions === undefined) return;
  await connection.raw(
    `insert into gate.revisions (kind, revisions) values ($1, $2)
     on conflict (kind) do update set revisions = excluded.revisions`,
    [kind, JSON.stringify(revisions)],
  );
}

async function changeWaivers(
  connection: PostgresConnection,
  made: GateWrite['waivers'] = [],
  ended: GateWrite['endedWaivers'] = [],
): Promise<void> {
  for (const waiver of made)
    await connection.raw(
      'insert into gate.waivers (id, waiver) values ($1, $2) on conflict (id) do nothing',
      [waiver.id, JSON.stringify(waiver)],
    );
  if (ended.length > 0) await connection.raw('delete from gate.waivers where id = any($1::text[])', [ended]);
}

/** Milliseconds. As a revision, it is also higher than those of writes that the database has lost. */
const now = '(extract(epoch from clock_timestamp()) * 1000)::bigint';

async function putSharedFile(
  connection: PostgresConnection,
  { name, digest, bytes, before }: SharedFileWrite,
): Promise<void> {
  const written = await (before === null
    ? connection.raw(
        `insert into gate.shared_files (name, revision, digest, bytes) values ($1, ${now}, $2, $3)
         on conflict (name) do nothing returning name`,
        [name, digest, bytes],
      )
    : connection.raw(
        `update gate.shared_files set revision = greatest(revision + 1, ${now}), digest = $2, bytes = $3
         where name = $1 and digest = $4 returning name`,
        [name, digest, bytes, before],
      ));
  if (written.rows.length === 0) throw fileChanged(name);
}
