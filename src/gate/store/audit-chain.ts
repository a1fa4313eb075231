/**
 * The audit log's chain: each entry has the hash of the one before it. Entries are appended in the transaction of the change
 * that they record, so two writing processes can't both follow the same entry.
 */
import { createHash } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { canonicalJson } from '../../lib/index.ts';
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

/** An entry, and by what it is found. */
export interface SealedRow extends Row {
  /** Epoch milliseconds. */
  readonly at: number;
  /** Empty: of no namespace. */
  readonly namespace: string;
  readonly id: string | null;
}

/** What entries are asked for. */
export interface EntryQuery {
  /** Only those with a larger number. */
  readonly after: number;
  /** Only those with a smaller number. */
  readonly before: number;
  readonly namespace: string | undefined;
  /** Epoch milliseconds; `until` excluded. */
  readonly since: number;
  readonly until: number;
  readonly isNewestFirst: boolean;
  readonly limit: number;
}

export const firstPrevHash = '0'.repeat(64);

/** Call it inside a transaction. */
export function appendEntries(db: DatabaseSync, drafts: readonly AuditDraft[]): void {
  const find = db.prepare('select seq from audit_index where id = ?');
  const isNew = ({ id }: AuditDraft) => id === undefined || find.get(id) === undefined;
  const rows = sealEntries(drafts.filter(isNew), headOf(db));
  const head = rows.at(-1);
  if (head === undefined) return;
  const insert = db.prepare('insert into audit (seq, entry, hash) values (?, ?, ?)');
  const index = db.prepare('insert into audit_index (seq, at, namespace, id) values (?, ?, ?, ?)');
  for (const { seq, text, hash, at, namespace, id } of rows) {
    insert.run(seq, text, hash);
    index.run(seq, at, namespace, id);
  }
  db.prepare('insert or replace into audit_head (one, seq, hash) values (1, ?, ?)').run(head.seq, head.hash);
}

/** The entry that says which entries were removed; there is one for each cut. */
export function cutDraft({ seq, hash }: Head, time: string): AuditDraft {
  const id = `cut ${seq}`;
  return { time, id, event: 'cut', actor: 'ward', name: `entries up to ${seq}`, after: `sha256:${hash}` };
}

/** Makes the next entries from drafts. */
export function sealEntries(drafts: readonly AuditDraft[], head: Head): readonly SealedRow[] {
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

export function findRows(db: DatabaseSync, query: EntryQuery): readonly Row[] {
  const { after, before, namespace, since, until, isNewestFirst, limit } = query;
  const own = namespace === undefined ? '' : 'and namespace = ?';
  return db
    .prepare(
      `select seq, entry, hash from audit_index join audit using (seq)
       where seq > ? and seq < ? and at >= ? and at < ? ${own}
       order by seq ${isNewestFirst ? 'desc' : 'asc'} limit ?`,
    )
    .all(after, before, since, until, ...(namespace === undefined ? [] : [namespace]), limit)
    .map(({ seq, entry, hash }) => ({ seq: Number(seq), text: String(entry), hash: String(hash) }));
}

export function hashOfEntry(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function sealEntry(draft: AuditDraft, last: Head): SealedRow {
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
  const { id = null, namespace = '', time } = draft;
  return { seq, text, hash: hashOfEntry(text), at: Date.parse(time) || 0, namespace, id };
}
