/**
 * Deletes the oldest records of a namespace when all of its records together are too large: a few in each short
 * transaction, and never one that has ended recently, whose caller may not have read it yet.
 */
import type { Kysely } from 'kysely';
import { type Candidate, candidates, isTooMuch } from './prune.ts';
import type { Schema } from './schema.ts';
import type { SqlWords } from './sql-words.ts';
import type { Evicted, EvictRule } from './types/activations.ts';

/** See `ActivationStore.evict`. */
export async function evictActivations(
  db: Kysely<Schema>,
  words: SqlWords,
  rule: EvictRule,
): Promise<Evicted> {
  const held = await heldBytes(db, rule.namespace);
  if (held <= rule.keepBytes) return { records: 0, heldBytes: held };
  const doomed = doomedOf(await candidates(db, rule), held - rule.keepBytes);
  if (doomed.length === 0) return { records: 0, heldBytes: held };
  const ids = doomed.map(({ activationId }) => activationId);
  const result = await db
    .deleteFrom('activations')
    .where('namespace', '=', rule.namespace)
    .where('activation_id', 'in', words.listed(ids))
    .executeTakeFirst();
  return { records: Number(result.numDeletedRows), heldBytes: await heldBytes(db, rule.namespace) };
}

async function heldBytes(db: Kysely<Schema>, namespace: string): Promise<number> {
  const row = await db
    .selectFrom('activation_counts')
    .where('namespace', '=', namespace)
    .select('bytes')
    .executeTakeFirst();
  return row?.bytes ?? 0;
}

/** Selects enough of the oldest records to remove the excess, within the limits of one transaction. */
function doomedOf(oldest: readonly Candidate[], excess: number): readonly Candidate[] {
  let bytes = 0;
  const end = oldest.findIndex((candidate, index) => {
    const isEnough = bytes >= excess;
    bytes += candidate.bytes;
    return isEnough || isTooMuch(bytes, index);
  });
  return end === -1 ? oldest : oldest.slice(0, end);
}
