/** Statements over many rows at once: one round trip for all of them instead of one for each. */
import type { SqlValue, Statement, StatementForm } from '../batch.ts';
import { markOfChanged } from './batch-marks.ts';
import { binaryArray } from './binary-array.ts';
import type { Connection } from './pool.ts';

/** Runs the statement for each row of values. Returns the positions of those that changed a row of the table. */
export async function runMany(
  connection: Connection,
  { sql, form }: Statement,
  rows: readonly (readonly SqlValue[])[],
): Promise<readonly number[]> {
  if (form?.kind === 'insert') {
    // It inserts all of them, or fails.
    connection.send(setSql(form), columnsOf(form, rows));
    return rows.map((_, at) => at);
  }
  const [first = []] = rows;
  if (form === undefined || rows.length === 1) {
    if (rows.length !== 1) throw new Error(`a statement without a form is for one row: ${sql}`);
    return (await connection.raw(sql, first)).rowCount === 0 ? [] : [0];
  }
  const { rows: changed } = await connection.raw(setSql(form), columnsOf(form, rows));
  return changed.map(positionOf);
}

/** The same for a statement with a form as a batch of its own, with its mark. */
export async function runMarked(
  connection: Connection,
  form: StatementForm,
  rows: readonly (readonly SqlValue[])[],
  mark: readonly [string, number],
): Promise<readonly number[]> {
  const { rows: changed } = await connection.raw(markedSql(form), [...columnsOf(form, rows), ...mark]);
  return changed.map(positionOf);
}

function columnsOf({ columns }: StatementForm, rows: readonly (readonly SqlValue[])[]): readonly Buffer[] {
  return columns.map(({ type }, column) =>
    binaryArray(
      type,
      rows.map((row) => row[column] ?? null),
    ),
  );
}

function positionOf(row: unknown): number {
  const at = typeof row === 'object' && row !== null && 'at' in row ? Number(row.at) : Number.NaN;
  if (!Number.isSafeInteger(at)) throw new Error('the answer has a row without a position');
  return at - 1;
}

const setSql = oncePerForm(textOf);

/**
 * A statement that reads a row for each insertion would not know which one it was; all of them are made, or none. The
 * network can deliver it after the writer gave it up and committed a later batch. Then it leaves no mark, and the division
 * by zero undoes what it changed.
 */
const markedSql = oncePerForm((form) => {
  const { kind, columns } = form;
  const changed =
    kind === 'insert'
      ? `inserted as (${textOf(form)}), changed as (select at from generate_series(1, cardinality($1)) as at)`
      : `changed as (${textOf(form)})`;
  const marked = `marked as (${markOfChanged(columns.length + 1)} returning 1)`;
  return `with ${changed}, ${marked} select at / (select count(*) from marked) as at from changed`;
});

function oncePerForm(write: (form: StatementForm) => string): (form: StatementForm) => string {
  const texts = new WeakMap<StatementForm, string>();
  return (form) => {
    let text = texts.get(form);
    if (text === undefined) {
      text = write(form);
      texts.set(form, text);
    }
    return text;
  };
}

function textOf({ kind, table, columns, set }: StatementForm): string {
  const names = columns.map(({ name }) => `"${name}"`);
  const given = `unnest(${columns.map(({ type }, at) => `$${at + 1}::${type}[]`).join(', ')})`;
  if (kind === 'insert') return `insert into "${table}" (${names.join(', ')}) select * from ${given}`;
  const fromGiven = `${given} with ordinality as given (${columns.map((_, at) => `v${at}`).join(', ')}, at)`;
  const where = names.map((name, at) => `"${table}".${name} = given.v${at}`);
  const changed = `${fromGiven} where ${where.join(' and ')} returning given.at`;
  if (kind === 'update') return `update "${table}" set ${set} from ${changed}`;
  return `delete from "${table}" using ${changed}`;
}
