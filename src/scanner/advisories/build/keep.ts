/** What stays of the old file is copied row by row: the new one has no holes, and the old one is only read. */
import type { DatabaseSync } from 'node:sqlite';
import { sourceTables } from '../schema.ts';

/** `db` is inside a transaction, and is in another one afterwards. */
export function copyAllBut(db: DatabaseSync, oldPath: string, sources: readonly string[]): void {
  // SQLite can't attach inside a transaction.
  db.exec('commit');
  db.prepare('attach database ? as old').run(oldPath);
  db.exec('begin; create temp table gone (name text primary key);');
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
    commit;
    detach database old;
    begin;
  `);
}
