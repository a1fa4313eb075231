/** Connections to one PostgreSQL database. All their errors are faults of the store. */
import pg from 'pg';
import { isLongText } from '../batch.ts';
import { storeClosed } from '../faults.ts';
import { endsConnection, faultOf, tellsOfEnd } from './sql-state.ts';

export interface PoolOptions {
  /** `postgres://user:password@host:port/database`, with `?sslmode=` and the like. */
  readonly url: string;
  /** Where statements find tables whose schema they do not name; by default as the database says. */
  readonly schema?: string | undefined;
  /** Lets PostgreSQL refuse writes. */
  readonly isReader?: boolean;
  /** For migrations: a statement can take hours, but waits no longer than this for a lock. */
  readonly lockTimeoutMs?: number;
}

interface QueryRows {
  /** Number of selected or changed rows. */
  readonly rowCount: number;
  readonly rows: readonly unknown[];
}

/** One connection, for as long as its holder keeps it. */
export interface Connection {
  /** @throws the client's own error, or that of an earlier `send` */
  raw(sql: string, values?: readonly unknown[]): Promise<QueryRows>;
  /**
   * Sends a statement without waiting for its end: `sent` or the next `raw` does, and throws its error. The connection
   * prepares it once, so its plan must suit tables of every size.
   */
  send(sql: string, values: readonly unknown[]): void;
  sent(): Promise<void>;
  /** @param isBroken ends the connection instead of reusing it */
  release(isBroken?: boolean): void;
}

export interface Pool {
  /** Without password, for messages. */
  readonly where: string;
  connect(): Promise<Connection>;
  /** Grows with each connection that breaks. */
  broken(): number;
  /** Waits for running calls. Further calls are refused with STORE_CLOSED. */
  close(): Promise<void>;
}

const mostConnections = 10;
/** A statement of Ward takes milliseconds; one that waits for a lock must not keep its connection. */
const statementTimeoutMs = 30_000;
/** A server that is cut off, or stands still, can hold locks that others wait for. Their callers get their records within 5 s. */
const idleTransactionMs = 4000;
/** The server ends a statement before that, unless it is gone without a word. */
const answerTimeoutMs = 35_000;
const connectTimeoutMs = 5000;
/** bigint is the type of counts and times: both are far below 2^53. */
const bigintType = 20;

export function openPool({ url, schema, isReader = false, lockTimeoutMs }: PoolOptions): Pool {
  const pool = new pg.Pool({
    connectionString: url,
    max: mostConnections,
    application_name: 'ward',
    options: [
      ...(schema === undefined ? [] : [`-c search_path=${schema}`]),
      ...(isReader ? ['-c default_transaction_read_only=on'] : []),
      // The database can have other defaults. A statement after a lock must see what the holder before committed.
      '-c default_transaction_isolation=read\\ committed',
      ...(lockTimeoutMs === undefined ? [] : [`-c statement_timeout=0 -c lock_timeout=${lockTimeoutMs}`]),
    ].join(' '),
    connectionTimeoutMillis: connectTimeoutMs,
    ...(lockTimeoutMs === undefined
      ? { statement_timeout: statementTimeoutMs, query_timeout: answerTimeoutMs }
      : {}),
    keepAlive: true,
    // A statement is sent at once, while earlier ones still run.
    pipeline: true,
    idle_in_transaction_session_timeout: lockTimeoutMs === undefined ? idleTransactionMs : statementTimeoutMs,
    types: {
      getTypeParser: (type, format) => (type === bigintType ? Number : pg.types.getTypeParser(type, format)),
    },
  });
  let broken = 0;
  // An error of an idle connection: the next call opens a new one.
  pool.on('error', () => {});
  const breaks = () => void broken++;
  // The same while the connection is held: its holder's statement fails, and without a listener Node would end the process.
  pool.on('connect', (client) => client.on('error', breaks));
  const where = nameOf(url);
  let closing: Promise<void> | undefined;
  return {
    where,
    async connect() {
      if (closing !== undefined) throw storeClosed();
      try {
        return connectionOf(await pool.connect(), breaks);
      } catch (error) {
        throw faultOf(error, where);
      }
    },
    broken: () => broken,
    close: () => (closing ??= pool.end()),
  };
}

/** @param breaks is called when the server ends the connection in the middle of a statement */
function connectionOf(client: pg.PoolClient, breaks: () => void): Connection {
  let hasEnded = false;
  const sent: Promise<unknown>[] = [];
  const endOf = async <T>(running: Promise<T>): Promise<T> => {
    try {
      if (sent.length > 0) await allOf([...sent.splice(0), running]);
      return await running;
    } catch (error) {
      // The client reports the end as an error of its own only if no statement got it.
      if (!hasEnded && tellsOfEnd(error)) breaks();
      hasEnded ||= endsConnection(error);
      throw error;
    }
  };
  return {
    async raw(text, values = []) {
      const { rowCount, rows } = await endOf(client.query(text, values.map(bindable)));
      return { rowCount: rowCount ?? 0, rows };
    },
    send(text, values) {
      const running = client.query({ name: nameFor(text), text, values: values.map(bindable) });
      running.catch(() => {});
      sent.push(running);
    },
    sent: () => endOf(Promise.resolve()),
    release: (isBroken = false) => client.release(isBroken || hasEnded || sent.length > 0),
  };
}

/** Waits for all, so that nothing is under way any more. @throws the first error, which others can be consequences of */
async function allOf(running: readonly Promise<unknown>[]): Promise<void> {
  for (const outcome of await Promise.allSettled(running))
    if (outcome.status === 'rejected') throw outcome.reason;
}

const names = new Map<string, string>();

/** The name under which connections prepare a statement. There are as many as statements that are sent. */
function nameFor(text: string): string {
  let name = names.get(text);
  if (name === undefined) {
    name = `ward_${names.size}`;
    names.set(text, name);
  }
  return name;
}

/** PostgreSQL can't store a NUL in text. Documents and logs are JSON, which escapes it. */
function bindable(value: unknown): unknown {
  if (isLongText(value)) return Buffer.concat(value.pieces);
  return typeof value === 'string' && value.includes('\0') ? value.replaceAll('\0', '\uFFFD') : value;
}

/** Host and database of the URL. A socket's folder is a parameter. */
function nameOf(url: string): string {
  const [, address = '', database = '', query] = /@([^@/?]*)\/([^?]*)(?:\?(.*))?$/.exec(url) ?? [];
  const host = new URLSearchParams(query).get('host') ?? address;
  return database === '' ? 'PostgreSQL' : `${host}/${database}`;
}
