/**
 * Since when each fix is known. Sources don't tell when one came, so it is seen: by comparing with the file that was there
 * before. What had a fix when it was seen first has no time of its own, and counts from its publication.
 */
import type { DatabaseSync } from 'node:sqlite';

/**
 * `db` is inside a transaction, and is in another one afterwards.
 * @param keptUpTo Advisories up to this were taken over from the old file, times and all.
 * @param now ISO time, for advisories that don't say when they changed.
 */
export function noteFixesSeen(db: DatabaseSync, oldPath: string, keptUpTo: number, now: string): void {
  // SQLite can't attach inside a transaction.
  db.exec('commit');
  db.prepare('attach database ? as old').run(oldPath);
  db.exec('begin');
  db.prepare(
    `update affected set fix_since = (
      select case max(before.fixed)
          when 1 then max(before.fix_since)
          when 0 then coalesce(nullif(a.modified, ''), :now)
        end
        from advisory a
        join old.affected before on before.name = affected.name and before.ecosystem = affected.ecosystem
          and before.release = affected.release and before.superseded = 0
        join old.advisory b on b.id = before.advisory and b.name = a.name
        where a.id = affected.advisory
    ) where fixed = 1 and advisory > :kept`,
  ).run({ now, kept: keptUpTo });
  db.exec('commit; detach database old; begin');
}
