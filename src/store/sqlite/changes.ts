/** Reads changes in SQLite. There is one writer at a time, so their numbers are in the order of the commits. */
import type { Kysely } from 'kysely';
import { knownChanges, mostChanges, pruneChanges } from '../changes.ts';
import type { Schema } from '../schema.ts';
import type { ChangeStore } from '../types/changes.ts';
import { sqliteWords } from './dialect.ts';

export function sqliteChanges(db: Kysely<Schema>): ChangeStore {
  const newest = async () => {
    const { seq } = await db
      .selectFrom('changes')
      .select(({ fn }) => fn.max<number | null>('seq').as('seq'))
      .executeTakeFirstOrThrow();
    return String(seq ?? 0);
  };
  return {
    async since(position) {
      if (position === undefined) return { position: await newest(), changes: undefined };
      const seen = Number(position);
      const rows = await db
        .selectFrom('changes')
        .select(['seq', 'kind', 'namespace', 'path'])
        .where('seq', '>', seen)
        .orderBy('seq')
        .limit(mostChanges + 1)
        .execute();
      const changes = knownChanges(rows, (place) => place <= seen);
      if (changes === undefined) return { position: await newest(), changes };
      return { position: String(rows.at(-1)?.seq ?? seen), changes };
    },
    prune: (keepMs) => pruneChanges(db, sqliteWords, 'seq', keepMs),
  };
}
