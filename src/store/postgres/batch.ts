/**
 * Batches of units in one transaction each.
 *
 * A round trip for each step would take longer than the writes. So units of different rows form a wave, in which each
 * step is one statement for all of them. In PostgreSQL a failed statement aborts the whole transaction: a batch that
 * fails because of a unit's own values runs again, unit after unit, each behind a savepoint.
 */
import type { RunBatch, Statement, Unit, UnitOutcome } from '../batch.ts';
import { addMarks, type Mark, mark, type Tallies, valuesOf } from '../tallies.ts';
import type { Connection, Pool } from './pool.ts';
import { runMany } from './set-form.ts';
import { faultOf, isConfinedToOneUnit } from './sql-state.ts';
import { singly, transaction } from './transaction.ts';

export function batches(pool: Pool): RunBatch {
  return async (units) => {
    try {
      return await once(pool, units);
    } catch (error) {
      throw faultOf(error, pool.where);
    }
  };
}

async function once(pool: Pool, units: readonly Unit[]): Promise<readonly UnitOutcome[]> {
  try {
    const inOne = isOneStatement(units) ? singly : transaction;
    return await inOne(pool, (connection) => runTogether(connection, units));
  } catch (error) {
    if (!isConfinedToOneUnit(error)) throw error;
    return await transaction(pool, (connection) => runApart(connection, units, pool.where));
  }
}

/** Whether the units are one wave of one step, without anything that comes before or after it. */
function isOneStatement(units: readonly Unit[]): boolean {
  const first = units[0]?.[0]?.statement;
  if (first?.form === undefined) return false;
  const { tally, timeTally, holds } = first;
  if (tally !== undefined || timeTally !== undefined || holds !== undefined) return false;
  if (!units.every((unit) => unit.length === 1 && unit[0]?.statement === first)) return false;
  return new Set(units.map(rowOf)).size === units.length;
}

/** A unit in progress. */
interface Member {
  readonly unit: Unit;
  changed: number;
  readonly marks: Mark[];
}

type Wave = readonly Member[];

async function runTogether(connection: Connection, units: readonly Unit[]): Promise<readonly number[]> {
  const members = units.map((unit): Member => ({ unit, changed: 0, marks: [] }));
  await lockHoldings(connection, units);
  for (const wave of wavesOf(members)) await runWave(connection, wave);
  await keepTallies(connection, members);
  return members.map(({ changed }) => changed);
}

/** Keeps the order of the batch where it matters: units of one row are in consecutive waves. */
function wavesOf(members: readonly Member[]): readonly Wave[] {
  const waves: Member[][] = [];
  let rows = new Set<unknown>();
  for (const member of members) {
    const row = rowOf(member.unit);
    if (row === undefined || rows.has(row) || rows.size === 0) {
      waves.push([]);
      rows = new Set();
    }
    waves.at(-1)?.push(member);
    if (row !== undefined) rows.add(row);
  }
  return waves;
}

/** The value that identifies the row; undefined for a unit with a step that works on one row only. */
function rowOf(unit: Unit): unknown {
  const isForMany = ({ form, sql }: Statement) => form !== undefined || sql === '';
  return unit.every(({ statement }) => isForMany(statement)) ? unit[0]?.values[0] : undefined;
}

async function runWave(connection: Connection, wave: Wave): Promise<void> {
  let going = wave;
  for (let at = 0; going.length > 0; at++) {
    const groups = new Map<Statement, Member[]>();
    for (const member of going) {
      const statement = member.unit[at]?.statement;
      if (statement === undefined) continue;
      const group = groups.get(statement) ?? [];
      groups.set(statement, group);
      group.push(member);
    }
    for (const [statement, members] of groups) await runStep(connection, statement, members, at);
    going = going.filter(({ changed }) => changed > at);
  }
}

async function runStep(
  connection: Connection,
  statement: Statement,
  members: readonly Member[],
  at: number,
): Promise<void> {
  const rows = members.map(({ unit }) => unit[at]?.values ?? []);
  const changed = statement.sql === '' ? rows.keys() : await runMany(connection, statement, rows);
  for (const index of changed) {
    const member = members[index];
    if (member === undefined) continue;
    member.changed++;
    mark(member.marks, statement, rows[index] ?? []);
  }
}

async function runApart(
  connection: Connection,
  units: readonly Unit[],
  where: string,
): Promise<readonly UnitOutcome[]> {
  const outcomes: UnitOutcome[] = [];
  const done: Member[] = [];
  await lockHoldings(connection, units);
  for (const unit of units) {
    const member: Member = { unit, changed: 0, marks: [] };
    await connection.raw('savepoint unit');
    try {
      await runWave(connection, [member]);
      await connection.raw('release savepoint unit');
      done.push(member);
      outcomes.push(member.changed);
    } catch (error) {
      if (!isConfinedToOneUnit(error)) throw error;
      await connection.raw('rollback to savepoint unit');
      outcomes.push(faultOf(error, where));
    }
  }
  await keepTallies(connection, done);
  return outcomes;
}

/** Locks what `lockHeldBytes` locks in one namespace: before other rows, and here also in a fixed order. */
async function lockHoldings(connection: Connection, units: readonly Unit[]): Promise<void> {
  const namespaces = new Set(
    units.flat().flatMap(({ statement: { holds }, values }) => (holds === undefined ? [] : values[holds])),
  );
  const sql = 'select 1 from holdings where namespace = any($1) order by namespace for no key update';
  if (namespaces.size > 0) await connection.raw(sql, [[...namespaces]]);
}

/** In a fixed order: otherwise two servers whose batches change the same rows would wait for each other. */
async function keepTallies(connection: Connection, members: readonly Member[]): Promise<void> {
  const tallies: Tallies = new Map();
  for (const { marks } of members) addMarks(tallies, marks);
  for (const [sql, growths] of inOrder(tallies))
    for (const [, growth] of inOrder(growths)) await connection.prepared(sql, valuesOf(growth));
}

function inOrder<T>(map: ReadonlyMap<string, T>): readonly (readonly [string, T])[] {
  return [...map].toSorted(([a], [b]) => (a < b ? -1 : 1));
}
