/** Reads the whole audit log, and finds tampering. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { TrustedKey } from '../trust/keys.ts';
import { firstPrevHash, type Head, hashOfEntry, type Row } from './audit-chain.ts';
import { type AuditRecord, parseEntry } from './audit-entry.ts';
import { type Checkpoint, isCheckpointBy, parseCheckpoint } from './checkpoint.ts';

export interface AuditCheck {
  readonly isIntact: boolean;
  readonly entries: number;
  /** Hash of the last entry. */
  readonly hash: string;
  /** Number of checkpoints with a valid signature that match their entry. */
  readonly checkpoints: number;
  /** The first 100. */
  readonly problems: readonly { readonly seq: number; readonly text: string }[];
}

export interface AuditCheckOptions {
  /** Keys whose checkpoints count; without any, the check ignores checkpoints. */
  readonly keys?: readonly TrustedKey[];
  /** Checkpoints from copies outside the log. */
  readonly checkpoints?: readonly Checkpoint[];
}

/** Reads the log as it was written. */
export interface AuditSource {
  head(): Promise<Head>;
  /** The last entry that was removed; undefined: none was. */
  cut(): Promise<Head | undefined>;
  checkpoints(): Promise<readonly { readonly seq: number; readonly checkpoint: string }[]>;
  entries(after: number, limit: number): Promise<readonly Row[]>;
  /** Returns numbers of entries before the first one, and after the last one. */
  strays(first: number, last: number, limit: number): Promise<readonly number[]>;
}

type ReportProblem = (seq: number, text: string) => void;

const pageSize = 500;
const mostProblems = 100;

/** Reads a page in each turn of the event loop. Finds each changed, missing, added or moved entry. */
export async function verifyAudit(source: AuditSource, options: AuditCheckOptions): Promise<AuditCheck> {
  const problems: { seq: number; text: string }[] = [];
  const report: ReportProblem = (seq, text) => {
    if (problems.length < mostProblems) problems.push({ seq, text });
  };
  // Checkpoints first: one that is made in between may belong to an entry past the head.
  const checkpoints = keptCheckpoints(await source.checkpoints(), report);
  const cut = await source.cut();
  const head = await source.head();
  const all = [...checkpoints, ...(options.checkpoints ?? [])];
  const awaited = Map.groupBy(all, ({ seq }) => seq);
  let last: Head = cut ?? { seq: 0, hash: firstPrevHash };
  let good = cut === undefined ? 0 : checkedAt(cut, awaited.get(cut.seq) ?? [], options.keys ?? [], report);
  let isCutNamed = cut === undefined;
  for (;;) {
    const rows = (await source.entries(last.seq, pageSize)).filter(({ seq }) => seq <= head.seq);
    if (rows.length === 0) break;
    for (const row of rows) {
      const record = checkRow(row, last, report);
      isCutNamed ||= cut !== undefined && isCut(record, cut);
      last = row;
      good += checkedAt(row, awaited.get(row.seq) ?? [], options.keys ?? [], report);
    }
    await nextTurn();
  }
  if (last.seq !== head.seq || last.hash !== head.hash)
    report(last.seq, 'entries after this one are missing');
  if ((await source.cut())?.seq !== cut?.seq) return verifyAudit(source, options);
  if (cut !== undefined && !isCutNamed)
    report(cut.seq, 'no entry says that those up to this one were removed');
  for (const seq of await strayEntries(source, head, (cut?.seq ?? 0) + 1))
    report(seq, 'this entry is outside the log');
  if (options.keys !== undefined) {
    for (const { seq } of all.filter((each) => each.seq > last.seq)) {
      report(seq, 'this entry is missing, but a checkpoint names it');
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

/** Returns entries before the first, and after the head if the head has not moved. */
async function strayEntries(source: AuditSource, head: Head, first: number): Promise<readonly number[]> {
  const found = await source.strays(first, head.seq, mostProblems);
  const isStill = (await source.head()).seq === head.seq;
  return isStill ? found : found.filter((seq) => seq < first);
}

function isCut(record: AuditRecord | undefined, { seq, hash }: Head): boolean {
  return record?.event === 'cut' && record.id === `cut ${seq}` && record.after === `sha256:${hash}`;
}

function checkRow({ seq, hash, text }: Row, before: Head, report: ReportProblem): AuditRecord | undefined {
  if (seq !== before.seq + 1) report(before.seq + 1, 'this entry is missing');
  if (hashOfEntry(text) !== hash) report(seq, 'this entry was changed');
  const record = parseEntry(text);
  if (record === undefined) {
    report(seq, 'this is not an entry');
    return undefined;
  }
  if (record.seq !== seq) report(seq, `this entry was number ${record.seq}`);
  if (record.prevHash !== before.hash) report(seq, 'this entry does not follow the one before it');
  return record;
}

function checkedAt(
  { seq, hash }: Head,
  checkpoints: readonly Checkpoint[],
  keys: readonly TrustedKey[],
  report: ReportProblem,
): number {
  if (keys.length === 0) return 0;
  let good = 0;
  for (const checkpoint of checkpoints) {
    if (!isCheckpointBy(checkpoint, keys)) report(seq, 'no trusted key signed the checkpoint of this entry');
    else if (checkpoint.hash !== hash) report(seq, 'this entry is not the one that the checkpoint names');
    else good++;
  }
  return good;
}

function keptCheckpoints(
  rows: Awaited<ReturnType<AuditSource['checkpoints']>>,
  report: ReportProblem,
): readonly Checkpoint[] {
  return rows.flatMap(({ seq, checkpoint }) => {
    const parsed = parseCheckpoint(checkpoint);
    if (parsed !== undefined && parsed.seq === seq) return [parsed];
    report(seq, 'the checkpoint of this entry was changed');
    return [];
  });
}
