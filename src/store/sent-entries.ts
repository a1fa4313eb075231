/** Up to where the audit log was sent to a receiver. */
import type { Kysely } from 'kysely';
import type { Schema } from './schema.ts';

export interface SentEntries {
  /** Number of the last entry that a receiver was sent; undefined: it is new. */
  last(receiver: string): Promise<number | undefined>;
  /** Never goes back. */
  advance(receiver: string, seq: number): Promise<void>;
  /** Notes that nothing of the present log was sent, unless another server has noted something since `last`. */
  restart(receiver: string, last: number): Promise<void>;
}

export function sentEntries(db: Kysely<Schema>): SentEntries {
  return {
    async last(receiver) {
      const row = await db
        .selectFrom('sent_entries')
        .select('seq')
        .where('receiver', '=', receiver)
        .executeTakeFirst();
      return row?.seq;
    },
    async advance(receiver, seq) {
      await db
        .insertInto('sent_entries')
        .values({ receiver, seq })
        .onConflict((conflict) =>
          conflict.column('receiver').doUpdateSet({ seq }).where('sent_entries.seq', '<', seq),
        )
        .execute();
    },
    async restart(receiver, last) {
      await db
        .updateTable('sent_entries')
        .set({ seq: 0 })
        .where('receiver', '=', receiver)
        .where('seq', '=', last)
        .execute();
    },
  };
}
