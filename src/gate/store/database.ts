/**
 * The gate's file: reports, verdicts and the audit log, apart from Ward's other state, so that it can be kept, copied and
 * checked by itself. Calls are synchronous and small; what is large is packed beforehand. Several processes may have it
 * open at a time.
 */
import { chmodSync, closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { isFault, messageOf } from '../../lib/index.ts';
import { gateFault } from '../faults.ts';

export interface Database {
  /** @throws Fault GATE_STORE_FAILED, GATE_STORE_FULL, GATE_STORE_CORRUPT, GATE_CLOSED */
  run<T>(work: (db: DatabaseSync) => T): T;
  /** All of it or nothing; no other process writes meanwhile. */
  transaction<T>(work: (db: DatabaseSync) => T): T;
  close(): void;
}

/** `user_version` of the file. */
export const gateSchema = 2;
const busyTimeoutMs = 5000;
/** SQLITE_FULL. */
const full = 13;
/** SQLITE_CORRUPT and SQLITE_NOTADB. */
const damaged: readonly number[] = [11, 26];
/** SQLITE_READONLY, SQLITE_IOERR. */
const failing: readonly number[] = [8, 10];
/** Until a disk that fails is worth another try. */
const retryAfterMs = 10_000;

/** What each form adds to the one before. */
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
] as const;

/** Makes the file, 0600 in a folder of 0700, unless it is there. */
export function openDatabase(path: string): Database {
  const db = guarded(path, () => openFile(path));
  const run = <T>(work: (db: DatabaseSync) => T): T => {
    if (!db.isOpen) throw gateFault('GATE_CLOSED', 'the gate’s store is closed');
    return guarded(path, () => work(db));
  };
  return {
    run,
    transaction: (work) => run((open) => inTransaction(open, () => work(open))),
    close() {
      if (db.isOpen) db.close();
    },
  };
}

function openFile(path: string): DatabaseSync {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  closeSync(openSync(path, 'a', 0o600));
  chmodSync(path, 0o600);
  const db = new DatabaseSync(path, { timeout: busyTimeoutMs, defensive: true });
  try {
    // Full: what the audit log says was written survives a power cut.
    db.exec('pragma journal_mode = wal; pragma synchronous = full; pragma trusted_schema = off');
    inTransaction(db, () => bringUp(db, path));
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

function bringUp(db: DatabaseSync, path: string): void {
  const version = Number(db.prepare('pragma user_version').get()?.['user_version'] ?? 0);
  if (version > gateSchema) {
    throw gateFault('GATE_STORE_NEWER', `${path} was written by a newer Ward`, {
      hint: 'start the newer Ward, or give another data folder',
    });
  }
  for (const schema of schemas.slice(version)) db.exec(schema);
  if (version < gateSchema) db.exec(`pragma user_version = ${gateSchema}`);
}

function inTransaction<T>(db: DatabaseSync, work: () => T): T {
  db.exec('begin immediate');
  try {
    const result = work();
    db.exec('commit');
    return result;
  } catch (error) {
    if (db.isTransaction) db.exec('rollback');
    throw error;
  }
}

function guarded<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (isFault(cause)) throw cause;
    const result = resultCodeOf(cause);
    if (result === full) throw gateFault('GATE_STORE_FULL', `no space is left for ${path}`, { cause });
    if (failing.includes(result)) {
      // Those who push or deploy are told it: no paths.
      const text = `the disk of the gate's database is read-only or fails: ${messageOf(cause)}`;
      throw gateFault('GATE_STORE_UNWRITABLE', text, { cause, retryAfterMs });
    }
    if (!damaged.includes(result))
      throw gateFault('GATE_STORE_FAILED', `${path}: ${messageOf(cause)}`, { cause });
    throw gateFault('GATE_STORE_CORRUPT', `${path} is damaged or no database: ${messageOf(cause)}`, {
      cause,
      hint: `stop Ward and restore the file from a backup, or move ${path}* away to start with an empty one`,
    });
  }
}

function resultCodeOf(error: unknown): number {
  const isSqlite = error instanceof Error && 'errcode' in error && typeof error.errcode === 'number';
  return isSqlite && typeof error.errcode === 'number' ? error.errcode & 0xff : 0;
}
