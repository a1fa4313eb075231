import { sql } from 'kysely';
import type { SqlWords } from '../sql-words.ts';

export const postgresWords: SqlWords = {
  now: sql`(extract(epoch from clock_timestamp()) * 1000)::bigint`,
  listed: (texts) => sql`(select unnest(${texts}::text[]))`,
};
