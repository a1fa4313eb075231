/**
 * The id of the data folder that a database belongs to, in a table of one row. All databases of a folder have the same id,
 * copies and backups included.
 */
import { existsSync } from 'node:fs';
import { openSqlite } from '../../lib/index.ts';
import { openSnapshot } from './snapshot.ts';
import { faultOf } from './sql-fault.ts';

/** Undefined when the file does not exist or has no mark. @throws Fault STORE_CORRUPT, STORE_LOCKED, STORE_FAILED */
export function readFolderMark(path: string): string | undefined {
  using database = openSnapshot(path);
  if (database === undefined) return undefined;
  const isMarked = database.all("select 1 from sqlite_schema where name = 'data_folder'").length > 0;
  const id = isMarked ? database.all('select id from data_folder')[0]?.['id'] : undefined;
  return id === undefined ? undefined : String(id);
}

/**
 * The file must exist; other processes can have it open. @throws Fault STORE_CORRUPT, STORE_LOCKED, STORE_FULL,
 * STORE_FAILED
 */
export function writeFolderMark(path: string, id: string): void {
  if (!existsSync(path)) throw new Error(`${path} does not exist`);
  try {
    using db = openSqlite(path);
    db.exec(`pragma synchronous = full; begin immediate;
      create table if not exists data_folder (one integer primary key check (one = 1), id text not null) strict`);
    db.prepare(
      'insert into data_folder (one, id) values (1, ?) on conflict do update set id = excluded.id',
    ).run(id);
    db.exec('commit');
  } catch (error) {
    throw faultOf(error, path);
  }
}
