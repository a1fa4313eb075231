/**
 * Retention: deletes the oldest records of a namespace, with their logs and inputs, a few in each short transaction.
 *
 * The number of records comes from the namespace's counter, and is never counted. The deletions of a transaction are
 * bounded by number and by size, since a record can have megabytes of logs. Later writes reuse the freed pages.
 */
import type { Kysely } from 'kysely';
import type { Schema } from './schema.ts';
import type { EvictRule, PruneRule } from './types/activations.ts';

/** Bytes of text that one transaction can delete; a single record can be larger. */
const pruneBytes = 8 * 1024 * 1024;

export interface Candidate {
  readonly start: number;
  readonly activationId: string;
  /** Its size in the holdings of its namespace. */
  readonly bytes: number;
  /** Number of records of the namespace when this one was read. */
  readonly total: number;
}

/** Deletes the next records and returns their number; 0 when none are left. See `ActivationStore.prune`. */
export async function pruneActivations(db: Kysely<Schema>, rule: PruneRule): Promise<number> {
  const { total, oldest } = await extentOf(db, rule.namespace);
  const isExcessive = rule.keep !== undefined && total > rule.keep;
  const isOld = rule.before !== undefined && oldest !== undefined && oldest < rule.before;
  if (!isExcessive && !isOld) return 0;
  const doomed = doomedOf(await candidates(db, rule), rule);
  const last = doomed.at(-1);
  if (last === undefined) return 0;
  // Deletes by place and not by id: so older records that were added meanwhile are deleted as well.
  const result = await db
    .deleteFrom('activations')
    .where('namespace', '=', rule.namespace)
    .where(({ eb, refTuple, tuple }) =>
      eb(refTuple('start', 'activation_id'), '<=', tuple(last.start, last.activationId)),
    )
    .executeTakeFirst();
  return Number(result.numDeletedRows);
}

/** A cheap check for the usual case without deletions. */
async function extentOf(db: Kysely<Schema>, namespace: string) {
  const row = await db
    .selectFrom('activation_counts')
    .where('namespace', '=', namespace)
    .select(({ selectFrom }) => [
      'total',
      selectFrom('activations')
        .select('start')
        .where('namespace', '=', namespace)
        .orderBy('start')
        .limit(1)
        .as('oldest'),
    ])
    .executeTakeFirst();
  return { total: row?.total ?? 0, oldest: row?.oldest ?? undefined };
}

/** Whether a record no longer fits into one transaction. A single record always does. */
export function isTooMuch(bytes: number, index: number): boolean {
  return index > 0 && bytes > pruneBytes;
}

/**
 * The oldest records and their number, in one statement, so that both are of the same moment.
 * @param endedBefore leaves out records that ended later
 */
export async function candidates(
  db: Kysely<Schema>,
  { namespace, max, endedBefore }: Pick<PruneRule, 'namespace' | 'max'> & Partial<EvictRule>,
): Promise<readonly Candidate[]> {
  let records = db
    .selectFrom('activations')
    .leftJoin('activation_logs', 'activation_logs.activation_id', 'activations.activation_id')
    .leftJoin('activation_inputs', 'activation_inputs.activation_id', 'activations.activation_id')
    .where('activations.namespace', '=', namespace);
  if (endedBefore !== undefined) {
    records = records.where(({ eb, fn }) =>
      eb(fn<number>('coalesce', ['activations.end', 'activations.start']), '<', endedBefore),
    );
  }
  const rows = await records
    .select(({ fn, selectFrom }) => [
      'activations.start',
      'activations.activation_id',
      selectFrom('activation_counts').select('total').where('namespace', '=', namespace).as('total'),
      fn<number>('octet_length', ['activations.document']).as('document_bytes'),
      fn<number | null>('octet_length', ['activations.response']).as('response_bytes'),
      fn<number | null>('octet_length', ['activation_logs.lines']).as('log_bytes'),
      fn<number | null>('octet_length', ['activation_inputs.input']).as('input_bytes'),
    ])
    .orderBy('activations.start')
    .orderBy('activations.activation_id')
    .limit(max)
    .execute();
  return rows.map((row) => ({
    start: row.start,
    activationId: row.activation_id,
    total: row.total ?? 0,
    bytes:
      1024 + row.document_bytes + (row.response_bytes ?? 0) + (row.log_bytes ?? 0) + (row.input_bytes ?? 0),
  }));
}

function doomedOf(oldest: readonly Candidate[], { before, keep }: PruneRule): readonly Candidate[] {
  const excess = keep === undefined ? 0 : (oldest[0]?.total ?? 0) - keep;
  let bytes = 0;
  const end = oldest.findIndex((candidate, index) => {
    bytes += candidate.bytes;
    const isDoomed = index < excess || (before !== undefined && candidate.start < before);
    return !isDoomed || isTooMuch(bytes, index);
  });
  return end === -1 ? oldest : oldest.slice(0, end);
}
