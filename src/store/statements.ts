/**
 * Statements of batched writes, compiled once by Kysely; and those of records and of the accepted queue, with their
 * units.
 */
import { type Compilable, type Kysely, sql } from 'kysely';
import {
  type BatchStep,
  type Column,
  isLongText,
  type SqlValue,
  type Statement,
  type StatementForm,
  type Unit,
} from './batch.ts';
import { egressArity, egressTally, egressValues } from './egress.ts';
import type { Schema } from './schema.ts';
import type { AcceptedInsert } from './types/accepted.ts';
import type { ActivationWrite, CallUsage, UnrecordedCall } from './types/activations.ts';
import { addCalls } from './usage.ts';
import { slotStatements, slotValues } from './usage-slots.ts';

export interface WriteUnits {
  append(write: ActivationWrite): Unit;
  count(call: UnrecordedCall): Unit;
  accept(row: AcceptedInsert, attempt: number): Unit;
  claim(activationId: string, attempt: number, node: string): Unit;
  settle(activationId: string, attempt: number): Unit;
}

const dayMs = 86_400_000;

/** Bound as bytes, which SQLite casts to text without a check (sqlite.org/lang_expr.html#castexpr). */
const longText = sql<string>`cast(${''} as text)`;

type EndedCall = Pick<ActivationWrite['row'], keyof Omit<UnrecordedCall, 'usage' | 'settles'>>;

export function writeUnits(db: Kysely<Schema>): WriteUnits {
  const insertActivation = insertActivationStatement(db);
  const insertLogs = {
    ...statement(db.insertInto('activation_logs').values({ activation_id: '', lines: longText })),
    form: form('insert', 'activation_logs', { activation_id: 'text', lines: 'text' }),
    measured: [1],
  };
  const insertInput = {
    ...statement(db.insertInto('activation_inputs').values({ activation_id: '', input: '' })),
    form: form('insert', 'activation_inputs', { activation_id: 'text', input: 'text' }),
    measured: [1],
  };
  const countCall: Statement = {
    ...{ sql: '', arity: 7 },
    timeTally: { sql: addCalls(db), unitMs: dayMs, by: [1], at: 2, perRow: [1, 1], of: [3, 4, 5, 6] },
  };
  const addEgress: Statement = { sql: '', arity: egressArity, timeTally: egressTally(db) };
  const addToSlots = slotStatements(db);
  const usageSteps = (call: EndedCall, usage: CallUsage | null) =>
    usage === null
      ? []
      : [
          step(addToSlots(call), slotValues(call, usage.isCold)),
          ...(usage.egress ?? []).map((use) => step(addEgress, egressValues(call, use))),
        ];
  const { settle, settleWithin, insertAccepted, claim } = acceptedStatements(db);
  return {
    append({ row, logs, inputJson, settles }) {
      const steps: BatchStep[] = [];
      // This step is first: when it deletes nothing, the rest of the unit is skipped.
      if (settles !== null) steps.push(step(settleWithin, [row.activationId, settles, row.namespace]));
      steps.push(step(insertActivation, activationValues(row)));
      const lines = logsValue(logs);
      if (lines !== null) steps.push(step(insertLogs, [row.activationId, lines]));
      if (inputJson !== undefined) steps.push(step(insertInput, [row.activationId, inputJson]));
      steps.push(...usageSteps(row, row.usage));
      return steps;
    },
    count({ usage, settles, ...call }) {
      const { activationId, namespace, start } = call;
      return [
        ...(settles === null ? [] : [step(settleWithin, [activationId, settles, namespace])]),
        step(countCall, [activationId, namespace, start, ...usageValues(usage)]),
        ...usageSteps(call, usage),
      ];
    },
    accept: ({ activationId, namespace, acceptedAt, job, owner, codeDigest }, attempt) => [
      step(insertAccepted, [
        ...[activationId, namespace, acceptedAt, attempt, JSON.stringify(job), owner, codeDigest],
      ]),
    ],
    claim: (activationId, attempt, node) => [step(claim, [activationId, attempt, node])],
    settle: (activationId, attempt) => [step(settle, [activationId, attempt])],
  };
}

function acceptedStatements(db: Kysely<Schema>) {
  const ended = db.deleteFrom('accepted').where('activation_id', '=', '').where('attempt', '=', 0);
  const attempt = { activation_id: 'text', attempt: 'bigint' } as const;
  const insert = db.insertInto('accepted').values({
    activation_id: '',
    namespace: '',
    accepted_at: 0,
    attempt: 0,
    job: '',
    owner: '',
    code_digest: '',
  });
  const next = '"accepted"."attempt" + 1';
  const claim = db
    .updateTable('accepted')
    .set({ attempt: sql.raw<number>(next) })
    .where('activation_id', '=', '')
    .where('attempt', '=', 0)
    .where('owner', '=', '');
  return {
    settle: { ...statement(ended), form: form('delete', 'accepted', attempt) },
    settleWithin: {
      ...statement(ended.where('namespace', '=', '')),
      form: form('delete', 'accepted', { ...attempt, namespace: 'text' }),
    },
    insertAccepted: {
      ...statement(insert),
      form: form('insert', 'accepted', {
        activation_id: 'text',
        namespace: 'text',
        accepted_at: 'bigint',
        attempt: 'bigint',
        job: 'text',
        owner: 'text',
        code_digest: 'text',
      }),
    },
    claim: {
      ...statement(claim),
      form: form('update', 'accepted', { ...attempt, owner: 'text' }, `"attempt" = ${next}`),
    },
  };
}

function insertActivationStatement(db: Kysely<Schema>): Statement {
  const insert = db.insertInto('activations').values({
    activation_id: '',
    namespace: '',
    name: '',
    path: '',
    start: 0,
    end: 0,
    status_code: 0,
    document: '',
    response: longText,
    mib_ms: 0,
    cold: 0,
    sent_bytes: 0,
    received_bytes: 0,
  });
  const countRecords = db
    .updateTable('activation_counts')
    .set(({ eb }) => ({ total: eb('total', '+', 0), bytes: eb('bytes', '+', 0) }))
    .where('namespace', '=', '');
  return {
    ...statement(insert),
    form: form('insert', 'activations', {
      activation_id: 'text',
      namespace: 'text',
      name: 'text',
      path: 'text',
      start: 'bigint',
      end: 'bigint',
      status_code: 'bigint',
      document: 'text',
      response: 'text',
      mib_ms: 'bigint',
      cold: 'bigint',
      sent_bytes: 'bigint',
      received_bytes: 'bigint',
    }),
    timeTally: { sql: addCalls(db), unitMs: dayMs, by: [1], at: 4, perRow: [1, 0], of: [9, 10, 11, 12] },
    // The trigger subtracts the kibibyte per record again.
    tally: { sql: countRecords.compile().sql, by: 1, rowBytes: 1024 },
    measured: [7, 8],
  };
}

/** Null without log lines. */
function logsValue(logs: ActivationWrite['logs']): SqlValue {
  if (isLongText(logs)) return logs;
  return logs.length > 0 ? JSON.stringify(logs) : null;
}

function activationValues(row: ActivationWrite['row']): readonly SqlValue[] {
  return [
    row.activationId,
    row.namespace,
    row.name,
    row.path,
    row.start,
    row.end,
    row.statusCode,
    row.documentJson,
    row.responseJson,
    ...usageValues(row.usage),
  ];
}

function usageValues(usage: CallUsage | null): readonly SqlValue[] {
  if (usage === null) return [null, null, null, null];
  return [usage.mibMs, usage.isCold ? 1 : 0, usage.sentBytes, usage.receivedBytes];
}

/** The query's own values only mark the positions of its parameters. */
export function statement(query: Compilable, more: Pick<Statement, 'holds'> = {}): Statement {
  const { sql, parameters } = query.compile();
  return { sql, arity: parameters.length, ...more };
}

/** @param columns in the order of the statement's parameters */
function form<Table extends keyof Schema & string>(
  kind: StatementForm['kind'],
  table: Table,
  columns: { readonly [Name in keyof Schema[Table]]?: Column['type'] },
  set?: string,
): StatementForm {
  const named = Object.entries<Column['type'] | undefined>(columns);
  const each = named.map(([name, type = 'text']) => ({ name, type }));
  return { kind, table, columns: each, ...(set !== undefined && { set }) };
}

/** @param values in the order of the statement's columns */
export function step(of: Statement, values: readonly SqlValue[]): BatchStep {
  return { statement: of, values };
}
