/** Requests to the gate's file and their answers, as plain data; answers a batch of them. */
import type { DatabaseSync } from 'node:sqlite';
import { inTransaction, NewerSchema } from './database.ts';
import { FileChanged, reads, writes } from './operations.ts';

type Operations = typeof reads & typeof writes;
export type OperationName = keyof Operations;
export type ArgumentsOf<Name extends OperationName> = Operations[Name] extends (
  db: DatabaseSync,
  ...args: infer Args
) => unknown
  ? Args
  : never;
export type ResultOf<Name extends OperationName> = ReturnType<Operations[Name]>;

export interface Request {
  readonly name: OperationName;
  readonly args: readonly unknown[];
}

export type Answer = { readonly value: unknown } | { readonly error: FileError };

/** Where the file is open. */
export interface OpenFile {
  /** Answers each request, in order. Rejects when the file can't answer any more. */
  answer(requests: readonly Request[]): Promise<readonly Answer[]>;
  close(): Promise<void>;
}

/** Why an operation on the file failed. */
export interface FileError {
  /** SQLite's extended result code; 0 when it was something else. */
  readonly code: number;
  readonly message: string;
  readonly isNewer?: boolean;
  /** Another write came first. */
  readonly isLate?: boolean;
}

/** SQLITE_TOOBIG, SQLITE_CONSTRAINT, SQLITE_MISMATCH, SQLITE_RANGE: the data's fault, not the disk's. */
const ofTheData: readonly number[] = [18, 19, 20, 25];

/**
 * Runs all writes in order in one transaction, so that they share one `fsync`. Reads come after them, since a read sees the
 * writes that were requested before it. A write that fails because of its own data fails alone.
 */
export function answerAll(db: DatabaseSync, requests: readonly Request[]): readonly Answer[] {
  const written = writeAll(
    db,
    requests.filter(({ name }) => isWrite(name)),
  );
  let next = 0;
  return requests.map((request) => {
    if (isWrite(request.name))
      return written[next++] ?? { error: { code: 0, message: 'it was not written' } };
    return answered(() => run(db, request));
  });
}

export function describe(error: unknown): FileError {
  if (!(error instanceof Error)) return { code: 0, message: String(error) };
  const code = 'errcode' in error && typeof error.errcode === 'number' ? error.errcode : 0;
  return {
    ...{ code, message: error.message },
    ...{ isNewer: error instanceof NewerSchema, isLate: error instanceof FileChanged },
  };
}

function isWrite(name: OperationName): name is keyof typeof writes {
  return Object.hasOwn(writes, name);
}

function writeAll(db: DatabaseSync, requests: readonly Request[]): readonly Answer[] {
  if (requests.length === 0) return [];
  const all = answered(() => inTransaction(db, () => requests.map((request) => writeOne(db, request))));
  if ('error' in all) return requests.map(() => all);
  return all.value;
}

/** Writes behind a savepoint, so a failed write leaves nothing. @throws errors that concern the other writes too */
function writeOne(db: DatabaseSync, request: Request): Answer {
  db.exec('savepoint one');
  try {
    return { value: run(db, request) };
  } catch (thrown) {
    const error = describe(thrown);
    const isItsOwn = error.code === 0 || ofTheData.includes(error.code & 0xff);
    if (!isItsOwn || !db.isTransaction) throw thrown;
    db.exec('rollback to one');
    return { error };
  } finally {
    if (db.isTransaction) db.exec('release one');
  }
}

function answered<T>(work: () => T): { readonly value: T } | { readonly error: FileError } {
  try {
    return { value: work() };
  } catch (error) {
    return { error: describe(error) };
  }
}

function run(db: DatabaseSync, { name, args }: Request): unknown {
  // The request's name determines the types of its arguments; `Line.ask` ensures them.
  const operation = (isWrite(name) ? writes[name] : reads[name]) as (
    db: DatabaseSync,
    ...args: readonly unknown[]
  ) => unknown;
  return operation(db, ...args);
}
