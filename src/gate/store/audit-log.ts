/** The audit log: appended to in the transaction of what it tells of, read in pages. */
import type { DatabaseSync } from 'node:sqlite';
import type { SigningKey } from '../trust/keys.ts';
import { type AuditDraft, type AuditEntry, firstPrevHash, parseEntry, sealEntry } from './audit-entry.ts';
import { type Checkpoint, signCheckpoint } from './checkpoint.ts';
import type { Database } from './database.ts';

export interface AuditPage {
  /** Only entries after this one; the oldest first. */
  readonly after?: number;
  readonly limit?: number;
}

/** The last entry. */
export interface Head {
  readonly seq: number;
  readonly hash: string;
}

/** An entry as it is stored. */
export interface Row extends Head {
  readonly text: string;
}

/** Call it inside of a transaction. */
export function appendEntries(db: DatabaseSync, drafts: readonly AuditDraft[]): void {
  if (drafts.length === 0) return;
  const insert = db.prepare('insert into audit (seq, entry, hash) values (?, ?, ?)');
  let head = headOf(db);
  for (const draft of drafts) {
    const { seq, text, hash } = sealEntry(draft, head.seq + 1, head.hash);
    insert.run(seq, text, hash);
    head = { seq, hash };
  }
  db.prepare('insert or replace into audit_head (one, seq, hash) values (1, ?, ?)').run(head.seq, head.hash);
}

/** An entry that can't be read is left out; `verifyAudit` names it. */
export function readEntries(
  database: Database,
  { after = 0, limit = 100 }: AuditPage,
): readonly AuditEntry[] {
  return rowsAfter(database, after, limit).flatMap(({ text, hash }) => {
    const record = parseEntry(text);
    return record === undefined ? [] : [{ ...record, hash }];
  });
}

/** Signs how far the log is; undefined when it is empty. */
export function addCheckpoint(database: Database, key: SigningKey, time: string): Checkpoint | undefined {
  return database.transaction((db) => {
    const { seq, hash } = headOf(db);
    if (seq === 0) return undefined;
    const checkpoint = signCheckpoint({ seq, hash, time }, key);
    db.prepare('insert or replace into checkpoints (seq, checkpoint) values (?, ?)').run(
      seq,
      JSON.stringify(checkpoint),
    );
    return checkpoint;
  });
}

export function headOf(db: DatabaseSync): Head {
  const row = db.prepare('select seq, hash from audit_head').get();
  return row === undefined
    ? { seq: 0, hash: firstPrevHash }
    : { seq: Number(row['seq']), hash: String(row['hash']) };
}

export function rowsAfter(database: Database, after: number, limit: number): readonly Row[] {
  return database.run((db) =>
    db
      .prepare('select seq, entry, hash from audit where seq > ? order by seq limit ?')
      .all(after, limit)
      .map(({ seq, entry, hash }) => ({ seq: Number(seq), text: String(entry), hash: String(hash) })),
  );
}
