import { sql } from 'kysely';
import type { SqlWords } from '../sql-words.ts';

export const sqliteWords: SqlWords = {
  now: sql`cast(unixepoch('subsec') * 1000 as integer)`,
  listed: (texts) => sql`(select value from json_each(${JSON.stringify(texts)}))`,
};
