/**
 * The audit log's chain: each entry has the hash of the one before it. Entries are appended in the transaction of the change
 * that they record, so two writing processes can't both follow the same entry.
 */
import { createHash } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { canonicalJson } from '../canonical-json.ts';
import { plainText } from '../plain-text.ts';
import type { AuditDraft } from './audit-entry.ts';

/** The last entry. */
export interface Head {
  readonly seq: number;
  readonly hash: string;
}

/** An entry as it is stored. */
export interface Row extends Head {
  readonly text: string;
}

export const firstPrevHash = '0'.repeat(64);

/** Call it inside a transaction. */
export function appendEntries(db: DatabaseSync, drafts: readonly AuditDraft[]): void {
  const rows = sealEntries(drafts, headOf(db));
  const head = rows.at(-1);
  if (head === undefined) return;
  const insert = db.prepare('insert into audit (seq, entry, hash) values (?, ?, ?)');
  for (const { seq, text, hash } of rows) insert.run(seq, text, hash);
  db.prepare('insert or replace into audit_head (one, seq, hash) values (1, ?, ?)').run(head.seq, head.hash);
}

/** Makes the next entries from drafts. */
export function sealEntries(drafts: readonly AuditDraft[], head: Head): readonly Row[] {
  let last = head;
  return drafts.map((draft) => {
    const row = sealEntry(draft, last);
    last = row;
    return row;
  });
}

export function headOf(db: DatabaseSync): Head {
  const row = db.prepare('select seq, hash from audit_head').get();
  return row === undefined
    ? { seq: 0, hash: firstPrevHash }
    : { seq: Number(row['seq']), hash: String(row['hash']) };
}

export function rowsAfter(db: DatabaseSync, after: number, limit: number): readonly Row[] {
  return db
    .prepare('select seq, entry, hash from audit where seq > ? order by seq limit ?')
    .all(after, limit)
    .map(({ seq, entry, hash }) => ({ seq: Number(seq), text: String(entry), hash: String(hash) }));
}

export function hashOfEntry(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function sealEntry(draft: AuditDraft, last: Head): Row {
  const { actor, name, summary, ...rest } = draft;
  const seq = last.seq + 1;
  const text = canonicalJson({
    ...rest,
    actor: plainText(actor),
    name: name === undefined ? undefined : plainText(name, 500),
    summary: summary === undefined ? undefined : plainText(summary, 500),
    seq,
    prevHash: last.hash,
  });
  return { seq, text, hash: hashOfEntry(text) };
}
