/**
 * Changes of what servers have in their caches: the part that both engines share. When old ones are deleted, a mark
 * takes their place. By it, a reader sees whether it has missed some.
 */
import { type Kysely, sql } from 'kysely';
import { inTransaction } from './noted.ts';
import type { Schema } from './schema.ts';
import type { SqlWords } from './sql-words.ts';
import { type Change, type ChangeKind, changeKinds } from './types/changes.ts';

/** If there are more, the caches drop everything. */
export const mostChanges = 250;

/** Kind of the mark of a deletion. Its path is the highest place that was deleted. */
const prunedKind = 'pruned';
const pruneSize = 500;

interface FoundChange {
  readonly kind: string;
  readonly namespace: string;
  readonly path: string;
}

/**
 * Undefined if everything can have changed: some are missing or too many, or a newer Ward wrote a kind that this one
 * does not know.
 * @param hasSeen whether the reader had seen everything up to the place of a mark
 */
export function knownChanges(
  rows: readonly FoundChange[],
  hasSeen: (place: number) => boolean,
): readonly Change[] | undefined {
  if (rows.length > mostChanges) return undefined;
  const changes: Change[] = [];
  for (const { kind, namespace, path } of rows) {
    if (kind === prunedKind && hasSeen(Number(path))) continue;
    if (!isKnown(kind)) return undefined;
    changes.push({ kind, namespace, path });
  }
  return changes;
}

/** @param place the column by which readers go on */
export async function pruneChanges(
  db: Kysely<Schema>,
  { now }: SqlWords,
  place: 'seq' | 'tx',
  keepMs: number,
): Promise<number> {
  // As a subquery, which is computed once: PostgreSQL does not use an index for a value that may change.
  const before = sql<number>`(select ${now} - ${keepMs})`;
  const old = (from: Kysely<Schema>) => from.selectFrom('changes').select('seq').where('at', '<', before);
  let total = 0;
  for (;;) {
    // A mark alone can stay: deleting it would leave a new one.
    const some = await old(db).where('kind', '<>', prunedKind).limit(1).executeTakeFirst();
    if (some === undefined) return total;
    total += await inTransaction(db, async (inside) => {
      const gone = await inside
        .deleteFrom('changes')
        .where('seq', 'in', old(inside).orderBy('at').limit(pruneSize))
        .returning(place)
        .execute();
      if (gone.length === 0) return 0;
      const highest = gone.reduce((most, row) => Math.max(most, row[place] ?? 0), 0);
      await inside
        .insertInto('changes')
        .values({ kind: prunedKind, namespace: '', path: String(highest) })
        .execute();
      return gone.length;
    });
  }
}

function isKnown(kind: string): kind is ChangeKind {
  return changeKinds.some((each) => each === kind);
}
