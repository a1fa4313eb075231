/** What is said of the file as a whole, made once when it is written. */
import { createHash } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { formVersion } from '../schema.ts';

export function summaryOf(db: DatabaseSync): Readonly<Record<string, string>> {
  const one = (sql: string) => String(Object.values(db.prepare(sql).get() ?? {})[0] ?? '');
  const ecosystems = db
    .prepare(
      `select ecosystem, count(distinct advisory) as advisories, json_group_array(distinct release) as releases
        from affected where superseded = 0 group by ecosystem order by ecosystem`,
    )
    .all();
  return {
    revision: revisionOf(db),
    count: one('select count(*) from advisory where withdrawn = 0'),
    newest: one('select max(newest) from source'),
    ecosystems: JSON.stringify(ecosystems.map(({ ecosystem, advisories }) => ({ ecosystem, advisories }))),
    releases: JSON.stringify(
      Object.fromEntries(
        ecosystems.map(({ ecosystem, releases }) => [String(ecosystem), JSON.parse(String(releases))]),
      ),
    ),
  };
}

/**
 * Of what they say, whenever and in whatever order it went in: the same files of the same dates, and the same that was seen
 * of their fixes.
 */
function revisionOf(db: DatabaseSync): string {
  const sources = db.prepare('select name, form, digest, newest from source order by name').all();
  const hash = createHash('sha256').update(JSON.stringify([formVersion, sources]));
  const seen = db.prepare(
    `select a.name as id, f.ecosystem, f.release, f.name, f.fix_since
      from affected f join advisory a on a.id = f.advisory where f.fix_since is not null order by 1, 2, 3, 4, 5`,
  );
  for (const row of seen.iterate()) hash.update(JSON.stringify(Object.values(row)));
  return hash.digest('hex').slice(0, 16);
}
