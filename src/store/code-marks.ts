/** Marks of code blobs. Each method is one statement on one row, so that servers can't overtake each other. */
import { type Kysely, sql } from 'kysely';
import { randomHex } from '../lib/index.ts';
import type { Schema } from './schema.ts';
import type { SqlWords } from './sql-words.ts';
import type { CodeMarkStore } from './types/code-marks.ts';

const stampBytes = 16;
/** A removal that is over may have taken the bytes of the stamp before. */
const stampAfterRemoval = sql<string>`case when code_marks.removal is null then code_marks.stamp else excluded.stamp end`;

export function codeMarkStore(db: Kysely<Schema>, { now }: SqlWords): CodeMarkStore {
  const ago = (ms: number) => sql<number>`${now} - ${ms}`;
  return {
    async touch(digest, lateMs) {
      const row = await db
        .insertInto('code_marks')
        .values({
          ...{ digest, stamp: randomHex(stampBytes), touched_at: now, removal: null, removal_at: null },
        })
        .onConflict((conflict) =>
          conflict
            .column('digest')
            .doUpdateSet(({ ref }) => ({
              touched_at: ref('excluded.touched_at'),
              stamp: stampAfterRemoval,
              ...{ removal: null, removal_at: null },
            }))
            .where(({ eb, or }) =>
              or([eb('code_marks.removal', 'is', null), eb('code_marks.removal_at', '<=', ago(lateMs))]),
            ),
        )
        .returning('stamp')
        .executeTakeFirst();
      return row?.stamp;
    },
    async isKept(digest, stamp) {
      const row = await db
        .selectFrom('code_marks')
        .select('digest')
        .where('digest', '=', digest)
        .where('stamp', '=', stamp)
        .where('removal', 'is', null)
        .executeTakeFirst();
      return row !== undefined;
    },
    async beginRemoval(digest, { graceMs, lateMs }) {
      const removal = randomHex(stampBytes);
      const row = await db
        .insertInto('code_marks')
        .values({ digest, stamp: removal, touched_at: 0, removal, removal_at: now })
        .onConflict((conflict) =>
          conflict
            .column('digest')
            .doUpdateSet({ stamp: stampAfterRemoval, removal, removal_at: now })
            .where(({ eb, and, or }) =>
              or([
                and([eb('code_marks.removal', 'is', null), eb('code_marks.touched_at', '<=', ago(graceMs))]),
                eb('code_marks.removal_at', '<=', ago(lateMs)),
              ]),
            ),
        )
        .returning('digest')
        .executeTakeFirst();
      return row === undefined ? undefined : removal;
    },
    async endRemoval(digest, removal) {
      await db.deleteFrom('code_marks').where('digest', '=', digest).where('removal', '=', removal).execute();
    },
    async giveUpRemoval(digest, removal) {
      await db
        .updateTable('code_marks')
        .set({ removal: null, removal_at: null })
        .where('digest', '=', digest)
        .where('removal', '=', removal)
        .execute();
    },
  };
}
