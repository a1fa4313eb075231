/** Why logs were not forwarded. */
import type { Kysely } from 'kysely';
import { parseObject } from './documents.ts';
import type { Schema } from './schema.ts';
import type { ForwardingErrorStore } from './types/forwarding-errors.ts';

export function forwardingErrorStore(db: Kysely<Schema>): ForwardingErrorStore {
  return {
    async get(namespace) {
      const row = await db
        .selectFrom('forwarding_errors')
        .select('document')
        .where('namespace', '=', namespace)
        .executeTakeFirst();
      return row && parseObject(row.document);
    },
    async replace(namespace, given, expected) {
      const document = JSON.stringify(given);
      if (expected === undefined) {
        const { numInsertedOrUpdatedRows } = await db
          .insertInto('forwarding_errors')
          .values({ namespace, document })
          .onConflict((conflict) => conflict.column('namespace').doNothing())
          .executeTakeFirst();
        return numInsertedOrUpdatedRows === 1n;
      }
      const { numUpdatedRows } = await db
        .updateTable('forwarding_errors')
        .set({ document })
        .where('namespace', '=', namespace)
        .where('document', '=', JSON.stringify(expected))
        .executeTakeFirst();
      return numUpdatedRows === 1n;
    },
  };
}
