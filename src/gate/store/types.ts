/** What the gate keeps: reports by what they are of, the latest verdicts, and the audit log. */
import type { Digest } from '../../blobs/index.ts';
import type { Report } from '../../scanner/index.ts';
import type { Verdict } from '../judge/verdict.ts';
import type { Stage } from '../policy/rules-schema.ts';
import type { Revisions } from '../revisions.ts';
import type { SigningKey } from '../trust/keys.ts';
import type { AuditCheck, AuditCheckOptions } from './audit-check.ts';
import type { AuditDraft, AuditEntry } from './audit-entry.ts';
import type { Checkpoint } from './checkpoint.ts';

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
  readonly bytes: Uint8Array;
}

export interface RefusedPush {
  readonly digest: Digest;
  readonly namespaces: readonly string[];
  /** ISO time of the scan, or of the verdict where there was none. */
  readonly since: string;
}

export interface AuditPage {
  /** Only entries after this one; the oldest first. */
  readonly after?: number;
  readonly limit?: number;
}

/**
 * Writes are made in the order in which they are asked for, and a read sees all that were asked for before it, also when
 * nobody waited in between. A write is durable when its promise settles. Several processes may have the same store open:
 * their audit entries make one chain.
 *
 * All reject with Fault GATE_STORE_FAILED, GATE_STORE_CORRUPT or GATE_CLOSED, and what writes with GATE_STORE_FULL or
 * GATE_STORE_UNWRITABLE too, having changed nothing.
 */
export interface GateStore extends AsyncDisposable {
  /** Replaces what was there of it. */
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
  /** As they were written last; undefined: never. */
  revisions(kind: 'noted' | 'judged'): Promise<Revisions | undefined>;
  /** Namespaces for which a push was refused, of what has no other verdict; by digest, after this one. */
  refused(after: Digest | undefined, limit: number): Promise<readonly RefusedPush[]>;
  /** Drops report and verdicts; the audit log keeps what it has. */
  forget(digest: Digest): Promise<void>;
  /** An entry that can't be read is left out; `verifyAudit` names it. */
  audit(page?: AuditPage): Promise<readonly AuditEntry[]>;
  verifyAudit(options?: AuditCheckOptions): Promise<AuditCheck>;
  /** Signs how far the audit log is, and keeps that; undefined when it is empty. */
  checkpoint(key: SigningKey, time?: string): Promise<Checkpoint | undefined>;
  /** Does what was asked for before. */
  close(): Promise<void>;
}
