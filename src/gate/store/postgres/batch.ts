/**
 * Answers batches of requests to the gate's tables in PostgreSQL. All writes of a batch are one transaction. Reads come
 * after them, since a read sees the writes that were requested before it.
 */
import { isFault } from '../../../lib/index.ts';
import {
  isConfinedToOneUnit,
  type PostgresConnection,
  type PostgresPool,
  postgresTransaction,
} from '../../../store/index.ts';
import { cutDraft } from '../audit-chain.ts';
import type { AuditDraft } from '../audit-entry.ts';
import type { Database, Outcome } from '../line.ts';
import type { ArgumentsOf, Request } from '../requests.ts';
import type { GateWrite } from '../types.ts';
import { appendEntries } from './audit-log.ts';
import { commitFault, readFault, writeFault } from './faults.ts';
import { reads, writes } from './operations.ts';

export function databaseOn(pool: PostgresPool): Database {
  return {
    async answer(requests) {
      const written = [...(await writeAll(pool, requests.filter(isWrite)))];
      return await Promise.all(
        requests.map((request) => (isWrite(request) ? written.shift() : undefined) ?? readOne(pool, request)),
      );
    },
    close: () => pool.close(),
  };
}

function isWrite({ name }: Request): boolean {
  return Object.hasOwn(writes, name);
}

async function readOne(pool: PostgresPool, request: Request): Promise<Outcome> {
  try {
    const connection = await pool.connect();
    try {
      return { value: await run(reads, connection, request) };
    } finally {
      connection.release();
    }
  } catch (error) {
    return { fault: readFault(error, pool.where) };
  }
}

/** A write that fails because of its own data fails alone: the others run again without it. */
async function writeAll(pool: PostgresPool, requests: readonly Request[]): Promise<readonly Outcome[]> {
  if (requests.length === 0) return [];
  let isCommitting = false;
  const commit = (work: (connection: PostgresConnection) => Promise<readonly Outcome[]>) =>
    postgresTransaction(pool, async (connection) => {
      isCommitting = false;
      const outcomes = await work(connection);
      isCommitting = true;
      return outcomes;
    });
  try {
    try {
      return await commit((connection) => writeTogether(connection, requests));
    } catch (error) {
      if (!isOfOneWrite(error)) throw error;
      return await commit((connection) => writeApart(connection, requests, pool.where));
    }
  } catch (error) {
    const fault = (isCommitting ? commitFault : writeFault)(error, pool.where);
    return requests.map(() => ({ fault }));
  }
}

/** Appends to the audit log last, so that other servers do not wait for its head longer than needed. */
async function writeTogether(
  connection: PostgresConnection,
  requests: readonly Request[],
): Promise<readonly Outcome[]> {
  for (const request of inOrder(merged(requests))) await run(writes, connection, request);
  await appendEntries(connection, requests.flatMap(draftsOf));
  return requests.map(() => ({ value: undefined }));
}

/**
 * Makes one of consecutive `write`s. So each table is changed once, in the same order on every server, and two of them do not
 * wait for each other.
 */
function merged(requests: readonly Request[]): readonly Request[] {
  const all: Request[] = [];
  for (const request of requests) {
    const last = all.at(-1);
    if (last?.name !== 'write' || request.name !== 'write') all.push(request);
    else all.splice(-1, 1, { name: 'write', args: [both(writeOf(last), writeOf(request))] });
  }
  return all;
}

/** Puts consecutive reports in the order of their digests, so that two servers do not wait for each other. */
function inOrder(requests: readonly Request[]): readonly Request[] {
  const all: Request[] = [];
  for (const request of requests) {
    const before = request.name === 'putReport' ? placeOf(request, all) : all.length;
    all.splice(before, 0, request);
  }
  return all;
}

/** Behind other reports at the end, unless their digests are greater. */
function placeOf(request: Request, all: readonly Request[]): number {
  const isBehind = (each: Request) => each.name !== 'putReport' || digestOf(each) <= digestOf(request);
  return all.findLastIndex(isBehind) + 1;
}

/** Of a `putReport`; see `writeOf`. */
function digestOf({ args: [report] }: Request): string {
  return (report as ArgumentsOf<'putReport'>[0]).digest;
}

function both(first: GateWrite, second: GateWrite): GateWrite {
  return {
    ...first,
    ...second,
    verdicts: [...(first.verdicts ?? []), ...(second.verdicts ?? [])],
    findings: [...(first.findings ?? []), ...(second.findings ?? [])],
    waivers: [...(first.waivers ?? []), ...(second.waivers ?? [])],
    sharedFiles: [...(first.sharedFiles ?? []), ...(second.sharedFiles ?? [])],
    endedWaivers: [...(first.endedWaivers ?? []), ...(second.endedWaivers ?? [])],
  };
}

/** In PostgreSQL a failed statement spoils its transaction, back to the last savepoint. */
async function writeApart(
  connection: PostgresConnection,
  requests: readonly Request[],
  where: string,
): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const request of requests) {
    await connection.raw('savepoint one');
    try {
      outcomes.push(...(await writeTogether(connection, [request])));
      await connection.raw('release savepoint one');
    } catch (error) {
      if (!isOfOneWrite(error)) throw error;
      await connection.raw('rollback to savepoint one');
      outcomes.push({ fault: writeFault(error, where) });
    }
  }
  return outcomes;
}

/** A TypeError comes from values of other types than declared. */
function isOfOneWrite(error: unknown): boolean {
  return isConfinedToOneUnit(error) || isFault(error, 'GATE_FILE_CHANGED') || error instanceof TypeError;
}

function draftsOf(request: Request): readonly AuditDraft[] {
  if (request.name === 'cutAudit') {
    const [head, time] = request.args as ArgumentsOf<'cutAudit'>;
    return [cutDraft(head, time)];
  }
  return request.name === 'write' ? (writeOf(request).audit ?? []) : [];
}

/** The request's name determines the type of its argument; `Line.ask` ensures it. */
function writeOf({ args: [write] }: Request): GateWrite {
  return write as GateWrite;
}

function run(
  operations: Readonly<Record<string, unknown>>,
  connection: PostgresConnection,
  { name, args }: Request,
): Promise<unknown> {
  // As above, the name determines the types.
  const operation = operations[name] as (
    connection: PostgresConnection,
    ...args: readonly unknown[]
  ) => Promise<unknown>;
  return operation(connection, ...args);
}
