/** Reads a Ward's database: its records, its queue, and its counters next to the true numbers. */
import { DatabaseSync } from 'node:sqlite';
import pg from 'pg';
import type { Counter, Evidence, KeptRecord, Part } from './evidence.ts';

interface Row {
  readonly id: string;
  readonly name: string;
  readonly code: number;
  readonly ended: number | null;
  readonly document: string;
  readonly response: string | null;
  readonly lines: string | null;
}

const records = `
  select activations.activation_id as id, name, status_code as code, "end" as ended, document, lines,
    case when status_code = 0 then null else response end as response
  from activations left join activation_logs using (activation_id)`;
const bytes = `1024 + octet_length(document) + coalesce(octet_length(response), 0)
  + coalesce((select octet_length(lines) from activation_logs where activation_id = one.activation_id), 0)
  + coalesce((select octet_length(input) from activation_inputs where activation_id = one.activation_id), 0)`;
const entityTables = ['entities', 'feeds', 'deliveries', 'apis'];
const entityBytes = entityTables
  .map(
    (table) =>
      `coalesce((select sum(octet_length(document) + 1024) from ${table} where namespace = name), 0)`,
  )
  .join(' + ');
/** For each namespace, the counter (`says`) and the true number (`counted`). */
const counters: readonly (readonly [string, string])[] = [
  [
    'records',
    `select namespace, sum(total) as says, (select count(*) from activations as one
       where one.namespace = activation_counts.namespace) as counted from activation_counts group by namespace`,
  ],
  [
    'bytes of records',
    `select namespace, sum(bytes) as says, (select coalesce(sum(${bytes}), 0) from activations as one
       where one.namespace = activation_counts.namespace) as counted from activation_counts group by namespace`,
  ],
  [
    'bytes of entities',
    `select holdings.namespace, entity_bytes as says, ${entityBytes} as counted
       from holdings join namespaces on name = holdings.namespace`,
  ],
];

const accepted = "select activation_id || ', begun ' || attempt || ' times' as what from accepted";

type Kept = Pick<Evidence, 'records' | 'queued' | 'counters'>;
type Query = (sql: string) => Promise<readonly unknown[]>;

/** @param file the database of a stopped or a running server */
export async function readDatabase(file: string): Promise<Kept> {
  using db = new DatabaseSync(file, { readOnly: true, timeout: 10_000 });
  return await readKept(async (sql) => db.prepare(sql).all());
}

/** @param url of a PostgreSQL database that servers may use meanwhile */
export async function readPostgres(url: string): Promise<Kept> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query('begin isolation level repeatable read read only');
    return await readKept(async (sql) => (await client.query(sql)).rows);
  } finally {
    await client.end();
  }
}

async function readKept(query: Query): Promise<Kept> {
  const queued = (await query(accepted)) as { what: string }[];
  const found = (await query(records)) as Row[];
  const counted: Counter[] = [];
  for (const [name, sql] of counters) {
    const rows = (await query(sql)) as {
      namespace: string;
      says: number | string;
      counted: number | string;
    }[];
    // PostgreSQL's sums are texts.
    for (const row of rows)
      counted.push({
        name: `${name} of ${row.namespace}`,
        says: Number(row.says),
        counted: Number(row.counted),
      });
  }
  return { records: found.map(recordOf), queued: queued.map(({ what }) => what), counters: counted };
}

/** Activations that a record started: ids in the log of a composition, or a line for each rule of a firing. */
function recordOf({ id, name, code, ended, document, response, lines }: Row): KeptRecord {
  const isFiring = ended === null;
  const isComposed = /"key":"kind","value":"sequence"/.test(document);
  const error = response === null ? '' : String(JSON.parse(response).result?.error ?? '');
  const log = isFiring || isComposed ? (JSON.parse(lines ?? '[]') as string[]) : [];
  return {
    ...{ activationId: id, name, isSuccess: code === 0, error },
    parts: isFiring ? log.map(entryOf) : isComposed ? log.map((part) => ({ activationId: part })) : undefined,
  };
}

function entryOf(line: string): Part {
  const entry = JSON.parse(line) as { activationId?: string; error?: string };
  return entry.activationId === undefined
    ? { error: entry.error ?? '' }
    : { activationId: entry.activationId };
}
