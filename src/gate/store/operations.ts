/**
 * The operations on the gate's file, as functions over plain data. They run where the file is open, which may be a thread of
 * its own. They check nothing, and load little code.
 */
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import { appendEntries, cutDraft, findRows, type Head, headOf, rowsAfter } from './audit-chain.ts';
import type { GateWrite, JudgedQuery, SharedFileWrite } from './types.ts';

export interface ReportRow {
  readonly digest: string;
  readonly kind: string;
  readonly name: string;
  readonly scannedAt: string;
  readonly head: string;
  readonly inventory: Uint8Array;
  readonly findings: Uint8Array;
}

export interface RefusedRow {
  readonly digest: string;
  /** JSON. */
  readonly namespaces: string;
  readonly since: string;
  readonly judgedAt: string;
}

export interface JudgedRow {
  readonly digest: string;
  readonly kind: string | null;
  readonly name: string | null;
  /** JSON. */
  readonly verdict: string;
}

export interface SharedFileRow {
  readonly revision: number;
  readonly digest: string;
  /** Null: those with the digest that the reader knows. */
  readonly bytes: Uint8Array | null;
}

/** The bytes to replace are no longer there. */
export class FileChanged extends Error {}

export interface CheckpointRow {
  readonly seq: number;
  /** JSON. */
  readonly checkpoint: string;
}

/** Each runs in a transaction with other writes. */
export const writes = {
  putReport(db: DatabaseSync, { digest, kind, name, scannedAt, head, inventory, findings }: ReportRow): void {
    db.prepare(
      `insert or replace into reports (digest, kind, name, scanned_at, head, inventory, findings)
       values (?, ?, ?, ?, ?, ?, ?)`,
    ).run(digest, kind, name, scannedAt, head, inventory, findings);
  },
  write(db: DatabaseSync, write: GateWrite): void {
    const { verdicts = [], findings = [], noted, judgedWith, audit = [] } = write;
    const putVerdict = db.prepare(
      `insert into verdicts (digest, stage, namespace, judged_at, verdict) values (?, ?, ?, ?, ?)
       on conflict do update set judged_at = excluded.judged_at, verdict = excluded.verdict
       where excluded.judged_at >= judged_at`,
    );
    for (const verdict of verdicts) {
      const { digest, stage, namespace, judgedAt } = verdict;
      putVerdict.run(digest, stage, namespace, judgedAt, JSON.stringify(verdict));
    }
    const putFindings = db.prepare(
      'update reports set head = ?, findings = ? where digest = ? and scanned_at = ?',
    );
    for (const { head, bytes, digest, scannedAt } of findings)
      putFindings.run(head, bytes, digest, scannedAt);
    const putRevisions = db.prepare('insert or replace into revisions (kind, revisions) values (?, ?)');
    if (noted !== undefined) putRevisions.run('noted', JSON.stringify(noted));
    if (judgedWith !== undefined) putRevisions.run('judged', JSON.stringify(judgedWith));
    const { waivers = [], endedWaivers = [] } = write;
    const putWaiver = db.prepare('insert or ignore into waivers (id, waiver) values (?, ?)');
    for (const waiver of waivers) putWaiver.run(waiver.id, JSON.stringify(waiver));
    const endWaiver = db.prepare('delete from waivers where id = ?');
    for (const id of endedWaivers) endWaiver.run(id);
    for (const file of write.sharedFiles ?? []) putSharedFile(db, file);
    appendEntries(db, audit);
  },
  forget(db: DatabaseSync, { digest, since, judgedAt }: Omit<RefusedRow, 'namespaces'>): void {
    db.prepare(
      `delete from verdicts where digest = ? and judged_at <= ?
         and stage = 'push' and json_extract(verdict, '$.outcome') = 'deny'`,
    ).run(digest, judgedAt);
    db.prepare(
      `delete from reports where digest = ? and scanned_at <= ?
         and not exists (select 1 from verdicts where digest = reports.digest)`,
    ).run(digest, since);
  },
  /** Removes the entries up to this one. The cut is an entry itself, so the rest is still a chain. */
  cutAudit(db: DatabaseSync, { seq, hash }: Head, time: string): void {
    db.prepare('insert or replace into audit_cut (one, seq, hash) values (1, ?, ?)').run(seq, hash);
    for (const table of ['audit', 'audit_index']) db.prepare(`delete from ${table} where seq <= ?`).run(seq);
    db.prepare('delete from checkpoints where seq < ?').run(seq);
    appendEntries(db, [cutDraft({ seq, hash }, time)]);
  },
  putCheckpoint(db: DatabaseSync, { seq, checkpoint }: CheckpointRow): void {
    db.prepare('insert or replace into checkpoints (seq, checkpoint) values (?, ?)').run(seq, checkpoint);
  },
};

export const reads = {
  report(
    db: DatabaseSync,
    digest: string,
  ): Pick<ReportRow, 'kind' | 'head' | 'inventory' | 'findings'> | undefined {
    const row = db
      .prepare('select kind, head, inventory, findings from reports where digest = ?')
      .get(digest);
    if (row === undefined) return undefined;
    const { kind, head, inventory, findings } = row;
    return {
      ...{ kind: String(kind), head: String(head) },
      ...{ inventory: bytesOf(inventory), findings: bytesOf(findings) },
    };
  },
  subjects(db: DatabaseSync, after: string, limit: number): readonly Pick<ReportRow, 'digest' | 'kind'>[] {
    return db
      .prepare('select digest, kind from reports where digest > ? order by digest limit ?')
      .all(after, limit)
      .map(({ digest, kind }) => ({ digest: String(digest), kind: String(kind) }));
  },
  countReports(db: DatabaseSync): number {
    return Number(db.prepare('select count(*) as n from reports').get()?.['n'] ?? 0);
  },
  verdict(db: DatabaseSync, digest: string, stage: string, namespace: string): string | undefined {
    const row = db
      .prepare('select verdict from verdicts where digest = ? and stage = ? and namespace = ?')
      .get(digest, stage, namespace);
    return row === undefined ? undefined : String(row['verdict']);
  },
  verdicts(db: DatabaseSync, digest: string): readonly string[] {
    return db
      .prepare('select verdict from verdicts where digest = ? order by namespace, stage')
      .all(digest)
      .map(({ verdict }) => String(verdict));
  },
  judged(db: DatabaseSync, query: JudgedQuery): readonly JudgedRow[] {
    const { namespace, stage, outcome, name, skip, limit } = query;
    return db
      .prepare(
        `select v.digest, r.kind, r.name, v.verdict from verdicts v left join reports r on r.digest = v.digest
         where (? in ('', v.namespace)) and (? in ('', v.stage))
           and (? in ('', json_extract(v.verdict, '$.outcome')))
           and (? in ('', v.digest) or instr(r.name, ?) > 0)
         order by v.judged_at desc, v.digest, v.stage, v.namespace limit ? offset ?`,
      )
      .all(namespace, stage, outcome, name, name, limit, skip)
      .map(({ digest, kind, name, verdict }) => ({
        ...{ digest: String(digest), verdict: String(verdict) },
        ...{ kind: kind === null ? null : String(kind), name: name === null ? null : String(name) },
      }));
  },
  refused(db: DatabaseSync, after: string, limit: number): readonly RefusedRow[] {
    return db
      .prepare(
        `select v.digest, json_group_array(v.namespace) as namespaces,
           coalesce(r.scanned_at, max(v.judged_at)) as since, max(v.judged_at) as judged_at
         from verdicts v left join reports r on r.digest = v.digest
         where v.digest > ? group by v.digest
         having min(v.stage = 'push' and json_extract(v.verdict, '$.outcome') = 'deny')
         order by v.digest limit ?`,
      )
      .all(after, limit)
      .map(({ digest, namespaces, since, judged_at }) => ({
        ...{ digest: String(digest), namespaces: String(namespaces) },
        ...{ since: String(since), judgedAt: String(judged_at) },
      }));
  },
  revisions(db: DatabaseSync, kind: string): string | undefined {
    const row = db.prepare('select revisions from revisions where kind = ?').get(kind);
    return row === undefined ? undefined : String(row['revisions']);
  },
  waivers(db: DatabaseSync): readonly string[] {
    return db
      .prepare('select waiver from waivers')
      .all()
      .map(({ waiver }) => String(waiver));
  },
  sharedFile(db: DatabaseSync, name: string, known: string): SharedFileRow | undefined {
    const row = db
      .prepare(
        `select revision, digest, case when digest = ? then null else bytes end as bytes
         from shared_files where name = ?`,
      )
      .get(known, name);
    if (row === undefined) return undefined;
    return {
      ...{ revision: Number(row['revision']), digest: String(row['digest']) },
      bytes: row['bytes'] === null ? null : bytesOf(row['bytes']),
    };
  },
  head: headOf,
  cut(db: DatabaseSync): Head | undefined {
    const row = db.prepare('select seq, hash from audit_cut').get();
    return row && { seq: Number(row['seq']), hash: String(row['hash']) };
  },
  firstSince(db: DatabaseSync, at: number): number | undefined {
    const row = db.prepare('select min(seq) as seq from audit_index where at >= ?').get(at);
    return row?.['seq'] == null ? undefined : Number(row['seq']);
  },
  entries: rowsAfter,
  findEntries: findRows,
  checkpoints(db: DatabaseSync): readonly CheckpointRow[] {
    return db
      .prepare('select seq, checkpoint from checkpoints order by seq')
      .all()
      .map(({ seq, checkpoint }) => ({ seq: Number(seq), checkpoint: String(checkpoint) }));
  },
  /** Returns numbers of entries before `first` and after `last`. */
  strays(db: DatabaseSync, first: number, last: number, limit: number): readonly number[] {
    return db
      .prepare('select seq from audit where seq < ? or seq > ? order by seq limit ?')
      .all(first, last, limit)
      .map(({ seq }) => Number(seq));
  },
};

/** Milliseconds. As a revision, it is also higher than those of writes that the database has lost. */
const now = `cast(unixepoch('subsec') * 1000 as integer)`;

function putSharedFile(db: DatabaseSync, { name, digest, bytes, before }: SharedFileWrite): void {
  const { changes } =
    before === null
      ? db
          .prepare(
            `insert or ignore into shared_files (name, revision, digest, bytes) values (?, ${now}, ?, ?)`,
          )
          .run(name, digest, bytes)
      : db
          .prepare(
            `update shared_files set revision = max(revision + 1, ${now}), digest = ?, bytes = ?
             where name = ? and digest = ?`,
          )
          .run(digest, bytes, name, before);
  if (changes === 0) throw new FileChanged(name);
}

function bytesOf(value: SQLOutputValue | undefined): Uint8Array {
  return value instanceof Uint8Array ? value : new Uint8Array();
}
