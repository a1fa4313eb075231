/** Reads the audit log from end to end, and finds what was done to it. */
import type { DatabaseSync } from 'node:sqlite';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { TrustedKey } from '../trust/keys.ts';
import { firstPrevHash, hashOfEntry, parseEntry } from './audit-entry.ts';
import { type Head, headOf, type Row, rowsAfter } from './audit-log.ts';
import { type Checkpoint, isCheckpointBy, parseCheckpoint } from './checkpoint.ts';
import type { Database } from './database.ts';

export interface AuditCheck {
  readonly isIntact: boolean;
  readonly entries: number;
  /** Of the last entry. */
  readonly hash: string;
  /** Checkpoints whose signature holds and that fit. */
  readonly checkpoints: number;
  /** The first 100. */
  readonly problems: readonly { readonly seq: number; readonly text: string }[];
}

export interface AuditCheckOptions {
  /** Keys whose checkpoints count; without any, checkpoints are not looked at. */
  readonly keys?: readonly TrustedKey[];
  /** Checkpoints that were kept elsewhere. */
  readonly checkpoints?: readonly Checkpoint[];
}

const pageSize = 500;
const mostProblems = 100;

/** Reads all of it, a page in a turn. Finds each changed, missing, added or moved entry. */
export async function verifyAudit(database: Database, options: AuditCheckOptions): Promise<AuditCheck> {
  const problems: { seq: number; text: string }[] = [];
  const report = (seq: number, text: string) => {
    if (problems.length < mostProblems) problems.push({ seq, text });
  };
  // In this order: a checkpoint that comes meanwhile may be of an entry past the head.
  const checkpoints = database.run((db) => keptCheckpoints(db, report));
  const head = database.run(headOf);
  const all = [...checkpoints, ...(options.checkpoints ?? [])];
  const awaited = Map.groupBy(all, ({ seq }) => seq);
  let last: Head = { seq: 0, hash: firstPrevHash };
  let good = 0;
  for (;;) {
    const rows = rowsAfter(database, last.seq, pageSize).filter(({ seq }) => seq <= head.seq);
    if (rows.length === 0) break;
    for (const row of rows) {
      checkRow(row, last, report);
      last = row;
      good += checkedAt(row, awaited.get(row.seq) ?? [], options.keys ?? [], report);
    }
    await nextTurn();
  }
  if (last.seq !== head.seq || last.hash !== head.hash)
    report(last.seq, 'entries after this one are missing');
  for (const seq of strayEntries(database, head)) report(seq, 'this entry is past the log’s own ends');
  if (options.keys !== undefined) {
    for (const { seq } of all.filter((each) => each.seq > last.seq)) {
      report(seq, 'a checkpoint tells of this entry, which is missing');
    }
  }
  return {
    isIntact: problems.length === 0,
    entries: last.seq,
    hash: last.hash,
    checkpoints: good,
    problems,
  };
}

/** Entries before the first, or after the last when that is still the last. */
function strayEntries(database: Database, head: Head): readonly number[] {
  const seqsWhere = (condition: string, value: number) =>
    database.run((db) =>
      db
        .prepare(`select seq from audit where ${condition} order by seq limit ${mostProblems}`)
        .all(value)
        .map(({ seq }) => Number(seq)),
    );
  const after = seqsWhere('seq > ?', head.seq);
  const isStill = database.run(headOf).seq === head.seq;
  return [...seqsWhere('seq < ?', 1), ...(isStill ? after : [])];
}

function checkRow({ seq, hash, text }: Row, before: Head, report: (seq: number, text: string) => void): void {
  if (seq !== before.seq + 1) report(before.seq + 1, 'this entry is missing');
  if (hashOfEntry(text) !== hash) report(seq, 'this entry was changed');
  const record = parseEntry(text);
  if (record === undefined) {
    report(seq, 'this is not an entry');
    return;
  }
  if (record.seq !== seq) report(seq, `this entry was number ${record.seq}`);
  if (record.prevHash !== before.hash) report(seq, 'this entry does not follow the one before it');
}

function checkedAt(
  { seq, hash }: Head,
  checkpoints: readonly Checkpoint[],
  keys: readonly TrustedKey[],
  report: (seq: number, text: string) => void,
): number {
  if (keys.length === 0) return 0;
  let good = 0;
  for (const checkpoint of checkpoints) {
    if (!isCheckpointBy(checkpoint, keys))
      report(seq, 'a checkpoint of this entry is signed by no trusted key');
    else if (checkpoint.hash !== hash) report(seq, 'this entry is another one than the checkpoint tells of');
    else good++;
  }
  return good;
}

function keptCheckpoints(
  db: DatabaseSync,
  report: (seq: number, text: string) => void,
): readonly Checkpoint[] {
  return db
    .prepare('select seq, checkpoint from checkpoints order by seq')
    .all()
    .flatMap(({ seq, checkpoint }) => {
      const parsed = parseCheckpoint(String(checkpoint));
      if (parsed !== undefined && parsed.seq === seq) return [parsed];
      report(Number(seq), 'the checkpoint of this entry was changed');
      return [];
    });
}
