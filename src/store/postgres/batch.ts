/**
 * Batches of units in one transaction each.
 *
 * A round trip for each step would take longer than the writes. So units of different rows form a wave, in which each
 * step is one statement for all of them, and no one waits for the end of a statement whose outcome is known. In
 * PostgreSQL a failed statement aborts the whole transaction: a batch that fails because of a unit's own values runs
 * again, unit after unit, each behind a savepoint.
 *
 * When the answer to a commit is lost, the writer submits the units again. Those of a batch that was committed have
 * their outcome, and do not run twice.
 */
import type { RunBatch, Statement, StatementForm, Unit, UnitOutcome } from '../batch.ts';
import { storeFault } from '../faults.ts';
import { addMarks, type Mark, mark, type Tallies, valuesOf } from '../tallies.ts';
import { BatchMarks } from './batch-marks.ts';
import type { Connection, Pool } from './pool.ts';
import { runMany, runMarked } from './set-form.ts';
import { faultOf, isConfinedToOneUnit, retryAfterMs } from './sql-state.ts';
import { singly, transaction } from './transaction.ts';

export interface Batches {
  /** One call at a time. */
  readonly run: RunBatch;
  /** Removes what it leaves in the database. */
  close(): Promise<void>;
}

export function batches(pool: Pool): Batches {
  const writer = new BatchWriter(pool);
  return {
    async run(units) {
      try {
        return await writer.run(units);
      } catch (error) {
        const fault = faultOf(error, pool.where);
        if (fault.code !== 'STORE_UNREACHABLE' || !writer.mayHaveCommitted(units)) throw fault;
        const text = `the connection to ${pool.where} ended before its answer`;
        throw storeFault('STORE_ANSWER_LOST', text, { cause: error, retryAfterMs });
      }
    },
    close: () => writer.close(),
  };
}

type RunUnits = (connection: Connection, units: readonly Unit[]) => Promise<readonly UnitOutcome[]>;

class BatchWriter {
  readonly #pool: Pool;
  readonly #marks = new BatchMarks();

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  async run(units: readonly Unit[]): Promise<readonly UnitOutcome[]> {
    try {
      const form = this.#marks.isSureOf(units) ? onlyForm(units) : undefined;
      return form === undefined ? await this.#commit(units, runTogether) : await this.#single(units, form);
    } catch (error) {
      if (!isConfinedToOneUnit(error)) throw error;
      return await this.#commit(units, (connection, left) => runApart(connection, left, this.#pool.where));
    }
  }

  mayHaveCommitted(units: readonly Unit[]): boolean {
    return this.#marks.mayBeCommitted(units);
  }

  async close(): Promise<void> {
    await singly(this.#pool, (connection) => this.#marks.remove(connection));
  }

  async #commit(units: readonly Unit[], run: RunUnits): Promise<readonly UnitOutcome[]> {
    const marks = this.#marks;
    const outcomes = await transaction(this.#pool, async (connection) => {
      await marks.mark(connection);
      const left = units.filter((unit) => marks.outcomeOf(unit) === undefined);
      const ran = (await run(connection, left)).values();
      const outcomes = units.map((unit) => marks.outcomeOf(unit) ?? ran.next().value ?? 0);
      marks.ending(units, outcomes);
      return outcomes;
    });
    marks.committed(units);
    return outcomes;
  }

  /** A single statement is a transaction by itself. */
  async #single(units: readonly Unit[], form: StatementForm): Promise<readonly UnitOutcome[]> {
    const rows = units.map(([first]) => first?.values ?? []);
    const changed = await singly(this.#pool, (connection) =>
      runMarked(connection, form, rows, this.#marks.markOf(units)),
    );
    this.#marks.committed(units);
    const outcomes: number[] = units.map(() => 0);
    for (const at of changed) outcomes[at] = 1;
    return outcomes;
  }
}

/** The form of the units' statement if they are one wave of one step, without anything that comes before or after it. */
function onlyForm(units: readonly Unit[]): StatementForm | undefined {
  const first = units[0]?.[0]?.statement;
  if (first?.form === undefined) return undefined;
  const { tally, timeTally, holds, form } = first;
  if (tally !== undefined || timeTally !== undefined || holds !== undefined) return undefined;
  if (!units.every((unit) => unit.length === 1 && unit[0]?.statement === first)) return undefined;
  return new Set(units.map(rowOf)).size === units.length ? form : undefined;
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
  keepTallies(connection, members);
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
  keepTallies(connection, done);
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
function keepTallies(connection: Connection, members: readonly Member[]): void {
  const tallies: Tallies = new Map();
  for (const { marks } of members) addMarks(tallies, marks);
  for (const [sql, growths] of inOrder(tallies))
    for (const [, growth] of inOrder(growths)) connection.send(sql, valuesOf(growth));
}

function inOrder<T>(map: ReadonlyMap<string, T>): readonly (readonly [string, T])[] {
  return [...map].toSorted(([a], [b]) => (a < b ? -1 : 1));
}
