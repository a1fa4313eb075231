/** Finds damage in a snapshot of a database: by SQLite's own checks, and by counters that differ from their rows. */
import { differingUsage, egressProblem, excessEgress, usageProblem } from '../usage-check.ts';
import type { DatabaseSnapshot } from './snapshot.ts';

/** Limit of problems that SQLite reports. */
const mostProblems = 20;
/** Tables whose rows count as holdings of a namespace (migration 14). */
const held = ['entities', 'feeds', 'deliveries', 'apis'] as const;

/** Problems of pages, indexes and references between rows. Reads the whole file. @throws Fault STORE_CORRUPT, STORE_FAILED */
export function databaseProblems(database: DatabaseSnapshot): readonly string[] {
  const integrity = database
    .all(`pragma integrity_check(${mostProblems})`)
    .map((row) => String(Object.values(row)[0]))
    .filter((text) => text !== 'ok');
  if (integrity.length > 0) return integrity;
  return database
    .all('pragma foreign_key_check')
    .slice(0, mostProblems)
    .map(({ table, rowid, parent }) => `row ${rowid} of ${table} refers to a missing row of ${parent}`);
}

/**
 * Finds counters in a copy of the state that differ from the rows that they count.
 * @throws Fault STORE_CORRUPT, STORE_FAILED
 */
export function stateProblems(state: DatabaseSnapshot): readonly string[] {
  return [
    ...entityProblems(state),
    ...codeProblems(state),
    ...recordProblems(state),
    ...usageProblems(state),
  ];
}

function entityProblems(state: DatabaseSnapshot): readonly string[] {
  const sums = held.map(
    (table) =>
      `ifnull((select sum(octet_length(document) + 1024) from ${table} where namespace = namespaces.name), 0)`,
  );
  return differing(
    state,
    `select namespaces.name, ifnull(entity_bytes, -1) as said, ${sums.join(' + ')} as found
      from namespaces left join holdings on holdings.namespace = namespaces.name`,
    'bytes of entities',
  );
}

function codeProblems(state: DatabaseSnapshot): readonly string[] {
  const [view, digest] = has(state, 'named_code') ? ['named_code', 'digest'] : ['entities', 'code_digest'];
  return differing(
    state,
    `select namespaces.name, ifnull(code_bytes, -1) as said, ifnull((
        select sum(max(bytes, 4096)) from code_blobs where digest in (
          select ${digest} from ${view} where namespace = namespaces.name and ${digest} is not null)), 0) as found
      from namespaces left join holdings on holdings.namespace = namespaces.name`,
    'bytes of code',
  );
}

function recordProblems(state: DatabaseSnapshot): readonly string[] {
  const bytes = `1024 + octet_length(document) + ifnull(octet_length(response), 0)
    + ifnull((select octet_length(lines) from activation_logs as logs
        where logs.activation_id = one.activation_id), 0)
    + ifnull((select octet_length(input) from activation_inputs as inputs
        where inputs.activation_id = one.activation_id), 0)`;
  const of = (counter: string, what: string) =>
    `select namespaces.name, ifnull(${counter}, -1) as said,
        ifnull((select ${what} from activations as one where one.namespace = namespaces.name), 0) as found
      from namespaces left join activation_counts as counts on counts.namespace = namespaces.name`;
  return [
    ...differing(state, of('counts.total', 'count(*)'), 'records'),
    ...differing(state, of('counts.bytes', `sum(${bytes})`), 'bytes of records'),
  ];
}

function usageProblems(state: DatabaseSnapshot): readonly string[] {
  return [
    ...(has(state, 'usage_days') ? state.all(differingUsage(mostProblems)).map(usageProblem) : []),
    ...(has(state, 'usage_egress') ? state.all(excessEgress(mostProblems)).map(egressProblem) : []),
  ];
}

/** A database of an older release may lack a table. */
function has(state: DatabaseSnapshot, table: string): boolean {
  return state.all(`select 1 from sqlite_schema where name = '${table}'`).length > 0;
}

function differing(state: DatabaseSnapshot, sql: string, what: string): readonly string[] {
  return state
    .all(`select * from (${sql}) where said is not found limit ${mostProblems}`)
    .map(
      ({ name, said, found }) => `namespace ${name}: the counter has ${said} ${what}, the rows have ${found}`,
    );
}
