/**
 * Marks of batches: they tell whether a batch was committed whose answer was lost.
 *
 * A writer of batches has one row, in which each of them leaves its number, in its own transaction. After a connection
 * ended without an answer, the next batch finds there the number of the last one that was committed. Its mark waits
 * for the transaction before, if that is still open.
 */
import { z } from 'zod';
import { newId } from '../../lib/index.ts';
import type { Unit, UnitOutcome } from '../batch.ts';
import type { Connection } from './pool.ts';

/** A batch that may be committed. */
interface Unsure {
  readonly number: number;
  readonly units: readonly Unit[];
  /** Undefined: the database knows. */
  readonly outcomes: readonly UnitOutcome[] | undefined;
}

/** What a mark replaced. Both are null if it is the first one. */
const replaced = z.object({ previous: z.number().nullable(), changed: z.array(z.number()).nullable() });

const onConflict = `on conflict (name) do update set batch = excluded.batch, changed = excluded.changed,
  previous = writers.batch, previously_changed = writers.changed where writers.batch < excluded.batch`;
const markSql = `insert into writers (name, batch) values ($1, $2) ${onConflict}
  returning previous, previously_changed as changed`;
const removeSql = 'delete from writers where name = $1';

/**
 * A step for `changed`, the rows with the positions of changed units, that marks a batch of one statement.
 * @param first number of its first parameter; it has two
 */
export function markOfChanged(first: number): string {
  return `insert into writers (name, batch, changed)
    select $${first}::text, $${first + 1}::bigint, array_agg(at::integer) from changed ${onConflict}`;
}

export class BatchMarks {
  /** New for each process, so a row has one writer only. */
  readonly #writer = newId();
  readonly #outcomes = new WeakMap<Unit, UnitOutcome>();
  #number = 0;
  #unsure: Unsure | undefined;

  /** False: a batch of these units must begin with `mark`, because one before it may be committed, or some of them are. */
  isSureOf(units: readonly Unit[]): boolean {
    return this.#unsure === undefined && units.every((unit) => !this.#outcomes.has(unit));
  }

  /** Whether this very batch was to be committed, and its answer did not come. */
  mayBeCommitted(units: readonly Unit[]): boolean {
    return this.#unsure?.units === units;
  }

  /** The first statement in a batch's transaction. */
  async mark(connection: Connection): Promise<void> {
    const values = [this.#writer, ++this.#number];
    const unsure = this.#unsure;
    if (unsure === undefined) return connection.send(markSql, values);
    const { rows } = await connection.raw(markSql, values);
    const { previous, changed } = replaced.parse(rows[0]);
    this.#unsure = undefined;
    if (unsure.number !== previous) return;
    unsure.units.forEach((unit, at) => {
      const outcome = unsure.outcomes === undefined ? Number(changed?.includes(at + 1)) : unsure.outcomes[at];
      this.#outcomes.set(unit, outcome ?? 0);
    });
  }

  /** Parameters of `markOfChanged`. Call it just before its statement. */
  markOf(units: readonly Unit[]): readonly [string, number] {
    this.#unsure = { number: ++this.#number, units, outcomes: undefined };
    return [this.#writer, this.#number];
  }

  /** Call it just before the commit. */
  ending(units: readonly Unit[], outcomes: readonly UnitOutcome[]): void {
    this.#unsure = { number: this.#number, units, outcomes };
  }

  /** Call it after the commit. */
  committed(units: readonly Unit[]): void {
    this.#unsure = undefined;
    for (const unit of units) this.#outcomes.delete(unit);
  }

  /** The outcome of a unit whose batch was committed although its answer was lost. */
  outcomeOf(unit: Unit): UnitOutcome | undefined {
    return this.#outcomes.get(unit);
  }

  /** Removes the row. That of a writer which was killed stays; it has a hundred bytes. */
  async remove(connection: Connection): Promise<void> {
    if (this.#number > 0) await connection.raw(removeSql, [this.#writer]);
  }
}
