/**
 * The gate's file: reports, verdicts and the audit log. It is apart from Ward's other state, so operators can keep, copy and
 * check it by itself. Several processes may have it open at a time.
 */
import { chmodSync, closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { openSqlite } from '../../lib/index.ts';

/** `user_version` of the file. */
export const gateSchema = 6;

/** What each version of the schema adds to the one before. */
const schemas = [
  `
  create table reports (
    digest text primary key, kind text not null, name text not null, scanned_at text not null,
    head text not null, inventory blob not null, findings blob not null
  ) strict, without rowid;
  create table verdicts (
    digest text not null, stage text not null, namespace text not null, judged_at text not null,
    verdict text not null, primary key (digest, stage, namespace)
  ) strict, without rowid;
  create table audit (seq integer primary key, entry text not null, hash text not null) strict;
  create table audit_head (one integer primary key check (one = 1), seq integer not null, hash text not null) strict;
  create table checkpoints (seq integer primary key, checkpoint text not null) strict;
  create trigger audit_no_update before update on audit begin select raise(abort, 'append only'); end;
  create trigger audit_no_delete before delete on audit begin select raise(abort, 'append only'); end;
`,
  'create table revisions (kind text primary key, revisions text not null) strict, without rowid;',
  // An entry that was tampered with must not keep the file from opening: the check of the chain names it.
  `
  create table audit_index (seq integer primary key, at integer not null, namespace text not null, id text unique) strict;
  insert into audit_index select seq,
    case when json_valid(entry) then ifnull(cast(unixepoch(json_extract(entry, '$.time'), 'subsec') * 1000 as integer), 0) else 0 end,
    case when json_valid(entry) then ifnull(cast(json_extract(entry, '$.namespace') as text), '') else '' end, null from audit;
  create index audit_of_namespace on audit_index (namespace, seq);
`,
  `
  create table audit_cut (one integer primary key check (one = 1), seq integer not null, hash text not null) strict;
  drop trigger audit_no_delete;
  create trigger audit_no_delete before delete on audit
    when old.seq > ifnull((select seq from audit_cut), 0) begin select raise(abort, 'append only'); end;
`,
  'create table waivers (id text primary key, waiver text not null) strict, without rowid;',
  `
  create table shared_files (
    name text primary key, revision integer not null, digest text not null, bytes blob not null
  ) strict;
`,
] as const;

/** The file was written by a newer Ward. */
export class NewerSchema extends Error {}

/** Creates the file, 0600 in a folder of 0700, if it is missing. @throws NewerSchema, and errors of SQLite and of files */
export function openDatabase(path: string): DatabaseSync {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  closeSync(openSync(path, 'a', 0o600));
  chmodSync(path, 0o600);
  const db = openSqlite(path);
  try {
    // Full: what the audit log says was written survives a power cut.
    db.exec('pragma journal_mode = wal; pragma synchronous = full');
    inTransaction(db, () => bringUp(db));
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Commits all of `work` or nothing. No other process writes meanwhile. */
export function inTransaction<T>(db: DatabaseSync, work: () => T): T {
  // A rollback that failed with its disk leaves a transaction open, in which no other can begin.
  if (db.isTransaction) db.exec('rollback');
  db.exec('begin immediate');
  try {
    const result = work();
    db.exec('commit');
    return result;
  } catch (error) {
    endTransaction(db);
    throw error;
  }
}

/** SQLite may have rolled back already, or can't; callers need the first error, not this one. */
function endTransaction(db: DatabaseSync): void {
  try {
    if (db.isTransaction) db.exec('rollback');
  } catch {}
}

function bringUp(db: DatabaseSync): void {
  const version = Number(db.prepare('pragma user_version').get()?.['user_version'] ?? 0);
  if (version > gateSchema) throw new NewerSchema();
  for (const schema of schemas.slice(version)) db.exec(schema);
  if (version < gateSchema) db.exec(`pragma user_version = ${gateSchema}`);
}
