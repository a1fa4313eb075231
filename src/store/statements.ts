/**
 * Statements of batched writes, compiled once by Kysely; and those of records and of the accepted queue, with the units
 * made of them.
 */
import { type Compilable, type Kysely, sql } from 'kysely';
import { type BatchStep, isLongText, type SqlValue, type Statement, type Unit } from './batch.ts';
import type { Schema } from './schema.ts';
import type { AcceptedInsert } from './types/accepted.ts';
import type { ActivationWrite } from './types/activations.ts';

export interface WriteUnits {
  append(write: ActivationWrite): Unit;
  accept(row: AcceptedInsert, attempt: number): Unit;
  claim(activationId: string, attempt: number, node: string): Unit;
  settle(activationId: string, attempt: number): Unit;
}

/** Bound as bytes, which SQLite casts to text without a check (sqlite.org/lang_expr.html#castexpr). */
const longText = sql<string>`cast(${''} as text)`;

export function writeUnits(db: Kysely<Schema>): WriteUnits {
  const insertActivation = insertActivationStatement(db);
  const insertLogs = {
    ...statement(db.insertInto('activation_logs').values({ activation_id: '', lines: longText })),
    measured: [1],
  };
  const insertInput = {
    ...statement(db.insertInto('activation_inputs').values({ activation_id: '', input: '' })),
    measured: [1],
  };
  const ended = db.deleteFrom('accepted').where('activation_id', '=', '').where('attempt', '=', 0);
  const settle = statement(ended);
  const settleWithin = statement(ended.where('namespace', '=', ''));
  const insertAccepted = statement(
    db.insertInto('accepted').values({
      activation_id: '',
      namespace: '',
      accepted_at: 0,
      attempt: 0,
      job: '',
      owner: '',
      code_digest: '',
    }),
  );
  const claim = statement(
    db
      .updateTable('accepted')
      .set({ attempt: 1 })
      .where('activation_id', '=', '')
      .where('attempt', '=', 0)
      .where('owner', '=', ''),
  );
  return {
    append({ row, logs, inputJson, settles }) {
      const steps: BatchStep[] = [];
      // This step is first: when it deletes nothing, the rest of the unit is skipped.
      if (settles !== null) steps.push(step(settleWithin, [row.activationId, settles, row.namespace]));
      steps.push(step(insertActivation, activationValues(row)));
      const lines = logsValue(logs);
      if (lines !== null) steps.push(step(insertLogs, [row.activationId, lines]));
      if (inputJson !== undefined) steps.push(step(insertInput, [row.activationId, inputJson]));
      return steps;
    },
    accept: ({ activationId, namespace, acceptedAt, job, owner, codeDigest }, attempt) => [
      step(insertAccepted, [
        ...[activationId, namespace, acceptedAt, attempt, JSON.stringify(job), owner, codeDigest],
      ]),
    ],
    claim: (activationId, attempt, node) => [step(claim, [attempt + 1, activationId, attempt, node])],
    settle: (activationId, attempt) => [step(settle, [activationId, attempt])],
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
  });
  return { ...statement(insert), tally: { sql: countRecords, by: 1 }, measured: [7, 8] };
}

/** Size of records, with the kibibyte for each that the trigger subtracts again. */
const countRecords = `
  update activation_counts set total = total + ?1, bytes = bytes + ?1 * 1024 + ?2 where namespace = ?3`;

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
  ];
}

/** The query's own values only mark the places of its parameters. */
export function statement(query: Compilable): Statement {
  const { sql, parameters } = query.compile();
  return { sql, arity: parameters.length };
}

/** @param values in the order of the statement's columns */
export function step(of: Statement, values: readonly SqlValue[]): BatchStep {
  return { statement: of, values };
}
