/** What the gate keeps: reports by their subject, the latest verdicts, and the audit log. */
import type { Digest } from '../../blobs/index.ts';
import type { Report } from '../../scanner/index.ts';
import type { Verdict } from '../judge/verdict.ts';
import type { Stage } from '../policy/rules-schema.ts';
import type { Waiver } from '../policy/waivers.ts';
import type { Revisions } from '../revisions.ts';
import type { SigningKey } from '../trust/keys.ts';
import type { AuditCheck, AuditCheckOptions } from './audit-check.ts';
import type { AuditDraft, AuditEntry } from './audit-entry.ts';
import type { AuditFound, AuditQuery } from './audit-search.ts';
import type { Checkpoint } from './checkpoint.ts';

/** What the gate judges: an image or artifact by its manifest, or code (`codeSubject`). */
export interface Subject {
  readonly kind: 'image' | 'artifact' | 'code';
  readonly digest: Digest;
}

export interface StoredReport {
  readonly subject: Subject;
  readonly report: Report;
}

/** What the store writes together, or not at all. */
export interface GateWrite {
  /** Verdicts of subjects; an older one does not replace a newer one. */
  readonly verdicts?: readonly (Verdict & { readonly digest: Digest })[];
  /** One with the `id` of an entry that the log has is left out. */
  readonly audit?: readonly AuditDraft[];
  /** New findings in stored reports; the store drops those of an older scan than its own. */
  readonly findings?: readonly PackedFindings[];
  /** New waivers. One whose id is known is left out. */
  readonly waivers?: readonly Waiver[];
  /** Ids of waivers that end. */
  readonly endedWaivers?: readonly string[];
  /** If one of them replaces other bytes than it says, nothing of this write is written: GATE_FILE_CHANGED. */
  readonly sharedFiles?: readonly SharedFileWrite[];
  /** Revisions that the audit log names. */
  readonly noted?: Revisions;
  /** Revisions with which all stored reports were judged. */
  readonly judgedWith?: Revisions;
}

/** A file of the operator's that all servers of the database use: `policy.yaml`, `vex.json`. */
export interface SharedFile {
  readonly name: string;
  /** Grows with each write of the name, also when the database has lost some: it is the time, if that is later. */
  readonly revision: number;
  readonly digest: Digest;
  readonly bytes: Uint8Array;
}

export interface SharedFileWrite extends Pick<SharedFile, 'name' | 'digest' | 'bytes'> {
  /** Digest of the bytes that these replace; null: there are none yet. */
  readonly before: string | null;
}

/** Findings, ready to be written. */
export interface PackedFindings {
  readonly digest: Digest;
  readonly scannedAt: string;
  readonly head: string;
  readonly bytes: Uint8Array;
}

export interface RefusedPush {
  readonly digest: Digest;
  readonly namespaces: readonly string[];
  /** ISO time of the scan, or of the verdict where there was none. */
  readonly since: string;
  /** ISO time of the last verdict. */
  readonly judgedAt: string;
}

/** What is kept. */
export interface AuditRetention {
  readonly entries: number;
  readonly since: number;
}

/** Which verdicts to list; '' stands for all. */
export interface JudgedQuery {
  readonly namespace: string;
  readonly stage: string;
  readonly outcome: string;
  /** Part of the name, or the whole digest. */
  readonly name: string;
  readonly skip: number;
  readonly limit: number;
}

/** A verdict with what it is about. */
export interface Judged {
  readonly verdict: Verdict;
  readonly digest: string;
  /** Undefined without a report. */
  readonly kind: Subject['kind'] | undefined;
  readonly name: string | undefined;
}

export interface AuditPage {
  /** Only entries after this one; the oldest first. */
  readonly after?: number;
  readonly limit?: number;
}

/**
 * Writes happen in the order of their requests, and a read sees every earlier write, even if no one awaited it. A write is
 * durable when its promise resolves. Several processes may have the same store open: their audit entries make one chain.
 *
 * All methods may reject with Fault GATE_STORE_FAILED, GATE_STORE_UNREACHABLE, GATE_STORE_CORRUPT or GATE_CLOSED. Those that
 * write may also reject with GATE_STORE_FULL or GATE_STORE_UNWRITABLE, and have then changed nothing.
 */
export interface GateStore extends AsyncDisposable {
  /** Replaces an earlier report of the subject. */
  putReport(subject: Subject, report: Report): Promise<void>;
  report(digest: Digest): Promise<StoredReport | undefined>;
  /** Subjects with a report, by digest, after this one. */
  subjects(after: Digest | undefined, limit: number): Promise<readonly Subject[]>;
  countReports(): Promise<number>;
  packFindings(report: Report, digest: Digest): Promise<PackedFindings>;
  write(write: GateWrite): Promise<void>;
  verdict(digest: Digest, stage: Stage, namespace: string): Promise<Verdict | undefined>;
  /** The latest of each stage and namespace. */
  verdicts(digest: Digest): Promise<readonly Verdict[]>;
  /** The latest of each subject, stage and namespace; the last judged first. */
  judged(query: JudgedQuery): Promise<readonly Judged[]>;
  /** The revisions as last written; undefined when never written. */
  revisions(kind: 'noted' | 'judged'): Promise<Revisions | undefined>;
  /** The oldest first, with those that are over. What is no waiver is left out. */
  waivers(): Promise<readonly Waiver[]>;
  /** @param known has its bytes already: if they are still the same, they are not read again */
  sharedFile(name: string, known?: SharedFile): Promise<SharedFile | undefined>;
  /** Refused pushes, by digest, after this one: content whose only verdicts are denials at push. */
  refused(after: Digest | undefined, limit: number): Promise<readonly RefusedPush[]>;
  /**
   * Drops the report and the denials of a refused push. Later ones, and other verdicts, stay: it may have been pushed again, and
   * accepted. The audit log keeps its entries.
   */
  forget(push: RefusedPush): Promise<void>;
  /** Leaves out unreadable entries; `verifyAudit` names them. */
  audit(page?: AuditPage): Promise<readonly AuditEntry[]>;
  searchAudit(query: AuditQuery): Promise<AuditFound>;
  verifyAudit(options?: AuditCheckOptions): Promise<AuditCheck>;
  /**
   * Removes some of the oldest entries: those beyond a number, and those before a time (epoch milliseconds). An entry says
   * up to where, with the hash of the last one, so that the rest stays a chain. Resolves to the number of removed ones.
   */
  cutAudit(rule: AuditRetention): Promise<number>;
  /** Signs the position of the audit log, and keeps the result; undefined when the log is empty. */
  checkpoint(key: SigningKey, time?: string): Promise<Checkpoint | undefined>;
  /** Completes earlier requests first. */
  close(): Promise<void>;
}
