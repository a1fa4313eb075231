/** Hashes of tokens that were exchanged once, until they expire. */
import { type Kysely, sql } from 'kysely';
import type { Schema } from './schema.ts';
import type { SqlWords } from './sql-words.ts';
import type { SpentTokenStore } from './types/spent-tokens.ts';

export function spentTokenStore(db: Kysely<Schema>, { now }: SqlWords): SpentTokenStore {
  return {
    async spend(tokenHash, lifeMs) {
      await db.deleteFrom('spent_tokens').where('expires_at', '<=', sql<number>`${now}`).execute();
      const inserted = await db
        .insertInto('spent_tokens')
        .values({ token_hash: tokenHash, expires_at: sql<number>`${now} + ${lifeMs}` })
        .onConflict((conflict) => conflict.column('token_hash').doNothing())
        .returning('token_hash')
        .executeTakeFirst();
      return inserted !== undefined;
    },
  };
}
