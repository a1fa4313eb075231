/** What the gate keeps: reports by what they are of, the latest verdicts, and the audit log. */
import { type Digest, isDigest } from '../../blobs/index.ts';
import type { Report } from '../../scanner/index.ts';
import type { Verdict } from '../judge/verdict.ts';
import type { Stage } from '../policy/rules-schema.ts';
import type { Revisions } from '../revisions.ts';
import type { SigningKey } from '../trust/keys.ts';
import { type AuditCheck, type AuditCheckOptions, verifyAudit } from './audit-check.ts';
import type { AuditDraft, AuditEntry } from './audit-entry.ts';
import { type AuditPage, addCheckpoint, appendEntries, readEntries } from './audit-log.ts';
import type { Checkpoint } from './checkpoint.ts';
import { type Database, openDatabase } from './database.ts';
import { pack, unpack } from './packed.ts';

/** What is judged: an image by its manifest, or code (`codeSubject`). */
export interface Subject {
  readonly kind: 'image' | 'artifact' | 'code';
  readonly digest: Digest;
}

export interface StoredReport {
  readonly subject: Subject;
  readonly report: Report;
}

/** What is written together, or not at all. */
export interface GateWrite {
  /** Verdicts of subjects; an older one does not replace a newer one. */
  readonly verdicts?: readonly (Verdict & { readonly digest: Digest })[];
  readonly audit?: readonly AuditDraft[];
  /** Found anew in what was scanned already; dropped when a newer scan came in between. */
  readonly findings?: readonly PackedFindings[];
  /** Those that the audit log has been told of. */
  readonly noted?: Revisions;
  /** Those with which all that is stored was judged. */
  readonly judgedWith?: Revisions;
}

/** Findings, ready to be written. */
export interface PackedFindings {
  readonly digest: Digest;
  readonly scannedAt: string;
  readonly head: string;
  readonly bytes: Buffer;
}

export interface RefusedPush {
  readonly digest: Digest;
  readonly namespaces: readonly string[];
  /** ISO time of the scan, or of the verdict where there was none. */
  readonly since: string;
}

export interface GateStore extends AsyncDisposable {
  /** Replaces what was there of it. */
  putReport(subject: Subject, report: Report): Promise<void>;
  report(digest: Digest): Promise<StoredReport | undefined>;
  /** Subjects with a report, by digest, after this one. */
  subjects(after: Digest | undefined, limit: number): readonly Subject[];
  countReports(): number;
  packFindings(report: Report, digest: Digest): Promise<PackedFindings>;
  write(write: GateWrite): void;
  verdict(digest: Digest, stage: Stage, namespace: string): Verdict | undefined;
  /** The latest of each stage and namespace. */
  verdicts(digest: Digest): readonly Verdict[];
  /** As they were written last; undefined: never. */
  revisions(kind: 'noted' | 'judged'): Revisions | undefined;
  /** Namespaces for which a push was refused, of what has no other verdict; by digest, after this one. */
  refused(after: Digest | undefined, limit: number): readonly RefusedPush[];
  /** Drops report and verdicts; the audit log keeps what it has. */
  forget(digest: Digest): void;
  audit(page?: AuditPage): readonly AuditEntry[];
  verifyAudit(options?: AuditCheckOptions): Promise<AuditCheck>;
  /** Signs how far the audit log is; undefined when it is empty. */
  checkpoint(key: SigningKey, time?: string): Checkpoint | undefined;
  close(): Promise<void>;
}

/**
 * @param options.path of the file; it and its folder are made when missing
 * @throws Fault GATE_STORE_FAILED, GATE_STORE_CORRUPT, GATE_STORE_NEWER
 */
export function openGateStore({ path }: { readonly path: string }): GateStore {
  const database = openDatabase(path);
  const close = async () => database.close();
  return {
    ...reportsIn(database),
    ...verdictsIn(database),
    revisions: (kind) => database.run((db) => readRevisions(db, kind)),
    write: (write) => database.transaction((db) => writeAll(db, write)),
    forget: (digest) =>
      database.transaction((db) => {
        db.prepare('delete from reports where digest = ?').run(digest);
        db.prepare('delete from verdicts where digest = ?').run(digest);
      }),
    audit: (page = {}) => readEntries(database, page),
    verifyAudit: (options = {}) => verifyAudit(database, options),
    checkpoint: (key, time = new Date().toISOString()) => addCheckpoint(database, key, time),
    close,
    [Symbol.asyncDispose]: close,
  };
}

type Reports = Pick<GateStore, 'putReport' | 'report' | 'subjects' | 'countReports' | 'packFindings'>;

function reportsIn(database: Database): Reports {
  const packFindings = async (report: Report, digest: Digest) => {
    const { inventory: _inventory, findings, suppressed, ...head } = report;
    const bytes = await pack({ findings, suppressed });
    return { digest, scannedAt: report.scannedAt, head: JSON.stringify(head), bytes };
  };
  return {
    packFindings,
    async putReport({ kind, digest }, report) {
      const { head, bytes, scannedAt } = await packFindings(report, digest);
      const inventory = await pack(report.inventory);
      database.transaction((db) =>
        db
          .prepare(
            `insert or replace into reports (digest, kind, name, scanned_at, head, inventory, findings)
             values (?, ?, ?, ?, ?, ?, ?)`,
          )
          .run(digest, kind, report.target.name, scannedAt, head, inventory, bytes),
      );
    },
    async report(digest) {
      const row = database.run((db) =>
        db.prepare('select kind, head, inventory, findings from reports where digest = ?').get(digest),
      );
      if (row === undefined) return undefined;
      const { kind, head, inventory, findings } = row;
      const [whatIsIn, whatIsWrong] = await Promise.all([
        unpack(bytesOf(inventory)),
        unpack(bytesOf(findings)),
      ]);
      const text = JSON.parse(String(head));
      const report: Report = Object.assign({}, text, { inventory: whatIsIn }, whatIsWrong);
      return { subject: { kind: kindOf(kind), digest }, report };
    },
    subjects: (after, limit) =>
      database.run((db) =>
        db
          .prepare('select digest, kind from reports where digest > ? order by digest limit ?')
          .all(after ?? '', limit)
          .flatMap(({ digest, kind }) => {
            const text = String(digest);
            return isDigest(text) ? [{ kind: kindOf(kind), digest: text }] : [];
          }),
      ),
    countReports: () =>
      database.run((db) => Number(db.prepare('select count(*) as n from reports').get()?.['n'] ?? 0)),
  };
}

function verdictsIn(database: Database): Pick<GateStore, 'verdict' | 'verdicts' | 'refused'> {
  return {
    refused: (after, limit) =>
      database.run((db) =>
        db
          .prepare(
            `select v.digest, json_group_array(v.namespace) as namespaces,
               coalesce(r.scanned_at, max(v.judged_at)) as since
             from verdicts v left join reports r on r.digest = v.digest
             where v.digest > ? group by v.digest
             having min(v.stage = 'push' and json_extract(v.verdict, '$.outcome') = 'deny')
             order by v.digest limit ?`,
          )
          .all(after ?? '', limit)
          .flatMap(({ digest, namespaces, since }): RefusedPush[] => {
            const text = String(digest);
            return isDigest(text)
              ? [{ digest: text, namespaces: JSON.parse(String(namespaces)), since: String(since) }]
              : [];
          }),
      ),
    verdict: (digest, stage, namespace) =>
      database.run((db) => {
        const row = db
          .prepare('select verdict from verdicts where digest = ? and stage = ? and namespace = ?')
          .get(digest, stage, namespace);
        return row === undefined ? undefined : verdictOf(row['verdict']);
      }),
    verdicts: (digest) =>
      database.run((db) =>
        db
          .prepare('select verdict from verdicts where digest = ? order by namespace, stage')
          .all(digest)
          .map(({ verdict }) => verdictOf(verdict)),
      ),
  };
}

type Connection = Parameters<Parameters<Database['transaction']>[0]>[0];

function readRevisions(db: Connection, kind: 'noted' | 'judged'): Revisions | undefined {
  const row = db.prepare('select revisions from revisions where kind = ?').get(kind);
  return row === undefined ? undefined : JSON.parse(String(row['revisions']));
}

function writeRevisions(db: Connection, kind: 'noted' | 'judged', revisions: Revisions | undefined): void {
  if (revisions === undefined) return;
  const statement = db.prepare('insert or replace into revisions (kind, revisions) values (?, ?)');
  statement.run(kind, JSON.stringify(revisions));
}

function writeAll(db: Connection, write: GateWrite): void {
  const { verdicts = [], audit = [], findings = [] } = write;
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
  for (const { head, bytes, digest, scannedAt } of findings) putFindings.run(head, bytes, digest, scannedAt);
  writeRevisions(db, 'noted', write.noted);
  writeRevisions(db, 'judged', write.judgedWith);
  appendEntries(db, audit);
}

function bytesOf(value: unknown): Uint8Array {
  return value instanceof Uint8Array ? value : new Uint8Array();
}

function kindOf(value: unknown): Subject['kind'] {
  return value === 'code' || value === 'artifact' ? value : 'image';
}

function verdictOf(text: unknown): Verdict {
  return JSON.parse(String(text));
}
