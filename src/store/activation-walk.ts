/**
 * Lists and counts of records walk an index. A far page or a large count takes several statements, so that the
 * database thread can serve others between them.
 */
import { type Kysely, sql } from 'kysely';
import type { Schema } from './schema.ts';
import type { SqlWords } from './sql-words.ts';
import type { ActivationFilter } from './types/activations.ts';

/** The key of a record in the order of a list. */
export interface RecordKey {
  readonly start: number;
  readonly activation_id: string;
}

/** A stride takes a few milliseconds. */
const stride = 20_000;

/** @param after the place of the last one that is left out */
export function matching(
  db: Kysely<Schema>,
  words: Pick<SqlWords, 'startKind'>,
  filter: ActivationFilter,
  after?: RecordKey,
) {
  let rows = db.selectFrom('activations').where('namespace', '=', filter.namespace);
  if (filter.path !== undefined) rows = rows.where('path', '=', filter.path);
  // Without a parameter: only so do both engines take the index of these rows.
  if (filter.failed === true) rows = rows.where(sql<boolean>`status_code > 0`);
  // A firing has no end.
  if (filter.calls === true) rows = rows.where('end', 'is not', null);
  if (filter.startKind !== undefined) {
    // Most are warm: with a path, SQLite must take the index of paths, which it can't know.
    const isIndexed = filter.startKind !== 'warm' || filter.path === undefined;
    rows = rows.where(isIndexed ? words.startKind : sql`${words.startKind} || ''`, '=', filter.startKind);
  }
  if (filter.since !== undefined) rows = rows.where('start', '>=', filter.since);
  if (after === undefined) return filter.upto === undefined ? rows : rows.where('start', '<=', filter.upto);
  // `upto` is left out: the place is within it, and one bound on each side is what the index can use.
  return rows.where(({ eb, refTuple, tuple }) =>
    eb(refTuple('start', 'activation_id'), '<', tuple(after.start, after.activation_id)),
  );
}

/**
 * Walks over `count` records, and returns the last one's place and the number that remains to be skipped (less than a
 * stride); undefined when there are fewer.
 */
export async function walk(
  db: Kysely<Schema>,
  words: Pick<SqlWords, 'startKind'>,
  filter: ActivationFilter,
  count: number,
): Promise<{ readonly after: RecordKey | undefined; readonly rest: number } | undefined> {
  let after: RecordKey | undefined;
  let rest = count;
  for (; rest > stride; rest -= stride) {
    after = await placeAfter(db, words, filter, after);
    if (after === undefined) return undefined;
  }
  return { after, rest };
}

/** Counts records that match the filter. Records that are added meanwhile can be counted or not. */
export async function countMatching(
  db: Kysely<Schema>,
  words: Pick<SqlWords, 'startKind'>,
  filter: ActivationFilter,
): Promise<number> {
  let counted = 0;
  let after: RecordKey | undefined;
  for (;;) {
    const next = await placeAfter(db, words, filter, after);
    if (next === undefined) break;
    counted += stride;
    after = next;
  }
  const { total } = await matching(db, words, filter, after)
    .select((build) => build.fn.countAll<number>().as('total'))
    .executeTakeFirstOrThrow();
  return counted + Number(total);
}

/** Walks one stride. */
function placeAfter(
  db: Kysely<Schema>,
  words: Pick<SqlWords, 'startKind'>,
  filter: ActivationFilter,
  after: RecordKey | undefined,
) {
  return matching(db, words, filter, after)
    .select(['start', 'activation_id'])
    .orderBy('start', 'desc')
    .orderBy('activation_id', 'desc')
    .limit(1)
    .offset(stride - 1)
    .executeTakeFirst();
}
