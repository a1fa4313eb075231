/**
 * The database thread: the only connection of this process to the database file, and all SQL that it runs. Requests
 * are answered in the order of arrival.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';
import { BoundedMap, giveBack, openSqlite } from '../../lib/index.ts';
import { isLongText, type LongText, type SqlValue, type Statement } from '../batch.ts';
import { addMarks, type Mark, mark, type Tallies, valuesOf } from '../tallies.ts';
import {
  type BatchRequest,
  type Reply,
  type Request,
  resultCodes,
  type SqlError,
  type WorkerData,
} from './protocol.ts';

/** Number of times that a write waits for another process's lock, each time for SQLite's own time-out. */
const lockAttempts = 4;
/** Limit of prepared statements. Ward has fewer texts than that. */
const statementLimit = 200;

const { path, cacheKiB }: WorkerData = workerData;
const port = parentPort;
if (port === null) throw new Error('this module runs as a worker thread only');

const db = open();
const prepared = new BoundedMap<string, { readonly statement: StatementSync; readonly returnsRows: boolean }>(
  statementLimit,
);

port.on('message', (requests: readonly Request[]) => {
  const replies = requests.map(answer);
  const givenBack = replies.flatMap((reply) => (reply.type === 'error' ? (reply.texts ?? []) : []));
  port.postMessage(
    replies,
    givenBack.flatMap(({ pieces }) => pieces.map(({ buffer }) => buffer)),
  );
  for (const request of requests) forgetTexts(request);
  if (requests.some(({ type }) => type === 'close')) port.close();
});

function open(): DatabaseSync {
  const database = openSqlite(path);
  // Switching to WAL needs the file exclusively, and SQLite's time-out does not cover that.
  retryBusy(() => database.exec('pragma journal_mode = wal'), 250, 20);
  // Full: a commit is an fsync of the log, so reported durability survives a power cut.
  database.exec(`
    pragma synchronous = full;
    pragma foreign_keys = on;
    pragma temp_store = memory;
    pragma cache_size = -${cacheKiB};
    pragma wal_autocheckpoint = 4000;
    pragma journal_size_limit = 67108864;
  `);
  return database;
}

function answer(request: Request): Reply {
  const { id } = request;
  try {
    if (request.type === 'query') return { id, type: 'rows', ...query(request.sql, request.values) };
    if (request.type === 'batch') return { id, type: 'outcomes', outcomes: batch(request) };
    close();
    return { id, type: 'rows', rows: [], changes: 0 };
  } catch (error) {
    const texts = request.type === 'batch' ? request.values.filter(isText) : [];
    return { id, type: 'error', error: describe(error), texts };
  }
}

type Values = BatchRequest['values'];

function query(sql: string, values: Values): { rows: readonly unknown[]; changes: number } {
  if (sql.startsWith('begin')) endLeftOver();
  const { statement, returnsRows } = prepare(sql);
  const bound = values.map(bindable);
  if (returnsRows) return { rows: statement.all(...bound), changes: 0 };
  return { rows: [], changes: Number(statement.run(...bound).changes) };
}

function bindable(value: SqlValue): string | number | null | Uint8Array {
  return isLongText(value) ? Buffer.concat(value.pieces) : value;
}

function isText(value: SqlValue): value is LongText {
  return isLongText(value);
}

/** Gives back their memory, which this thread owns, at once (see `giveBack`). */
function forgetTexts(request: Request): void {
  if (request.type === 'close') return;
  for (const value of request.values)
    if (isText(value)) for (const { buffer } of value.pieces) if (!buffer.detached) buffer.transfer(0);
}

function prepare(sql: string) {
  let entry = prepared.get(sql);
  if (entry === undefined) {
    const statement = db.prepare(sql);
    entry = { statement, returnsRows: statement.columns().length > 0 };
    prepared.set(sql, entry);
  }
  return entry;
}

function batch(request: BatchRequest): readonly (number | SqlError)[] {
  try {
    return transaction(() => runUnits(request, false));
  } catch (error) {
    if (!isConfinedToOneUnit(error)) throw error;
    // One unit broke a constraint or a size limit. Behind a savepoint of its own, it fails alone.
    return transaction(() => runUnits(request, true));
  }
}

function runUnits(request: BatchRequest, isolated: boolean): readonly (number | SqlError)[] {
  const outcomes: (number | SqlError)[] = [];
  const tallies: Tallies = new Map();
  let at = 0;
  let offset = 0;
  while (at < request.steps.length) {
    const end = request.steps.indexOf(-1, at);
    const steps = request.steps.slice(at, end);
    const marks: Mark[] = [];
    const outcome = (isolated ? runIsolated : runUnit)(request, steps, offset, marks);
    if (typeof outcome === 'number') addMarks(tallies, marks);
    outcomes.push(outcome);
    for (const step of steps) offset += request.statements[step]?.arity ?? 0;
    at = end + 1;
  }
  for (const [sql, growths] of tallies) {
    for (const growth of growths.values()) prepare(sql).statement.run(...valuesOf(growth).map(bindable));
  }
  return outcomes;
}

function runUnit(request: BatchRequest, steps: readonly number[], start: number, marks: Mark[]): number {
  let offset = start;
  let changed = 0;
  for (const step of steps) {
    const statement = request.statements[step];
    if (statement === undefined) throw new Error(`the batch has no statement ${step}`);
    const values = request.values.slice(offset, offset + statement.arity);
    offset += statement.arity;
    if (statement.sql !== '' && run(statement, values) === 0) break;
    changed++;
    mark(marks, statement, values);
  }
  return changed;
}

/** Returns the number of rows that it changed. */
function run({ sql }: Statement, values: Values): number {
  const bound = values.map(bindable);
  const { changes } = prepare(sql).statement.run(...bound);
  for (const value of bound) if (value instanceof Uint8Array) giveBack(value);
  return Number(changes);
}

function runIsolated(
  request: BatchRequest,
  steps: readonly number[],
  start: number,
  marks: Mark[],
): number | SqlError {
  db.exec('savepoint unit');
  try {
    return runUnit(request, steps, start, marks);
  } catch (error) {
    if (!isConfinedToOneUnit(error)) throw error;
    db.exec('rollback to unit');
    return describe(error);
  } finally {
    if (db.isTransaction) db.exec('release unit');
  }
}

/** A rollback that failed with the disk leaves a transaction open, and no other can start. */
function endLeftOver(): void {
  if (db.isTransaction) db.exec('rollback');
}

function transaction<T>(run: () => T): T {
  endLeftOver();
  retryBusy(() => db.exec('begin immediate'), lockAttempts, 0);
  try {
    const result = run();
    db.exec('commit');
    return result;
  } finally {
    if (db.isTransaction) db.exec('rollback');
  }
}

/** SQLITE_TOOBIG, SQLITE_CONSTRAINT, SQLITE_MISMATCH, SQLITE_RANGE: caused by the data, not by the disk. */
function isConfinedToOneUnit(error: unknown): boolean {
  return [18, 19, 20, 25].includes(describe(error).code & 0xff);
}

function retryBusy(run: () => void, attempts: number, pauseMs: number): void {
  for (let attempt = 1; ; attempt++) {
    try {
      run();
      return;
    } catch (error) {
      if (attempt === attempts || (describe(error).code & 0xff) !== resultCodes.busy) throw error;
      if (pauseMs > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pauseMs);
    }
  }
}

function close(): void {
  prepared.clear();
  try {
    // The checkpoint would wait for readers, and hold the lock of all writers meanwhile.
    db.exec('pragma optimize; pragma busy_timeout = 0; pragma wal_checkpoint(truncate)');
  } catch {
    // The disk takes no writes: durable data is in the log, and the next start copies it.
  }
  db.close();
}

function describe(error: unknown): SqlError {
  if (!(error instanceof Error)) return { code: 0, message: String(error) };
  const code = 'errcode' in error && typeof error.errcode === 'number' ? error.errcode : 0;
  return { code, message: error.message };
}
