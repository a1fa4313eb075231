/** Copies from the old file the rows of sources that stay, and the times of fixes. It only reads the old file. */
import type { DatabaseSync } from 'node:sqlite';
import { sourceTables } from '../schema.ts';

/**
 * Copies row by row, so that the new file has no holes.
 * `db` is inside a transaction, and is in another one afterwards.
 */
export function copyAllBut(db: DatabaseSync, oldPath: string, sources: readonly string[]): void {
  withOld(db, oldPath, () => {
    db.exec('create temp table gone (name text primary key)');
    const gone = db.prepare('insert or ignore into gone values (?)');
    for (const name of sources) gone.run(name);
    const kept = '(select id from old.source where name not in (select name from gone))';
    const copies = sourceTables.map(
      (table) => `insert into ${table} select * from old.${table} where source in ${kept};`,
    );
    db.exec(`
      insert into source select * from old.source where id in ${kept};
      ${copies.join('\n')}
      insert into affected select f.* from old.affected f
        join old.advisory a on a.id = f.advisory where a.source in ${kept};
      drop table gone;
    `);
  });
}

/**
 * Notes since when each fix is known. Sources don't say when a fix came, so it is found by comparing with the old file. An
 * advisory that had a fix when it was first seen gets no time of its own; its fix counts from the publication.
 * `db` is inside a transaction, and is in another one afterwards.
 * @param keptUpTo Advisories up to this id were copied from the old file, with their times.
 * @param now ISO time, for advisories that don't say when they changed.
 */
export function noteFixesSeen(db: DatabaseSync, oldPath: string, keptUpTo: number, now: string): void {
  withOld(db, oldPath, () => {
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
  });
}

/** SQLite can't attach or detach a database inside a transaction. */
function withOld(db: DatabaseSync, oldPath: string, work: () => void): void {
  db.exec('commit');
  db.prepare('attach database ? as old').run(oldPath);
  db.exec('begin');
  work();
  db.exec('commit; detach database old; begin');
}
