/** Reads a Ward's database: its records, its queue, and its counters next to the true numbers. */
import { DatabaseSync } from 'node:sqlite';
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
const bytes = `1024 + octet_length(document) + ifnull(octet_length(response), 0)
  + ifnull((select octet_length(lines) from activation_logs where activation_id = one.activation_id), 0)
  + ifnull((select octet_length(input) from activation_inputs where activation_id = one.activation_id), 0)`;
const entityTables = ['entities', 'feeds', 'deliveries', 'apis'];
const entityBytes = entityTables
  .map(
    (table) => `ifnull((select sum(octet_length(document) + 1024) from ${table} where namespace = name), 0)`,
  )
  .join(' + ');
/** For each namespace, the counter (`says`) and the true number (`counted`). */
const counters: readonly (readonly [string, string])[] = [
  [
    'records',
    `select namespace, total as says, (select count(*) from activations as one
       where one.namespace = activation_counts.namespace) as counted from activation_counts`,
  ],
  [
    'bytes of records',
    `select namespace, bytes as says, (select ifnull(sum(${bytes}), 0) from activations as one
       where one.namespace = activation_counts.namespace) as counted from activation_counts`,
  ],
  [
    'bytes of entities',
    `select holdings.namespace, entity_bytes as says, ${entityBytes} as counted
       from holdings join namespaces on name = holdings.namespace`,
  ],
];

const accepted = "select activation_id || ', begun ' || attempt || ' times' as what from accepted";

/** @param file the database of a stopped or a running server */
export function readDatabase(file: string): Pick<Evidence, 'records' | 'queued' | 'counters'> {
  using db = new DatabaseSync(file, { readOnly: true, timeout: 10_000 });
  const queued = db.prepare(accepted).all() as unknown as { what: string }[];
  return {
    records: (db.prepare(records).all() as unknown as Row[]).map(recordOf),
    queued: queued.map(({ what }) => what),
    counters: counters.flatMap(([name, sql]) =>
      (db.prepare(sql).all() as unknown as { namespace: string; says: number; counted: number }[]).map(
        ({ namespace, says, counted }): Counter => ({ name: `${name} of ${namespace}`, says, counted }),
      ),
    ),
  };
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
