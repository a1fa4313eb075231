/**
 * Makes one table equal to another one, in the order of the key. A run that was interrupted is simply repeated: rows
 * that are there already are only compared.
 */
import { createHash } from 'node:crypto';
import { storeFault } from '../faults.ts';
import { bytesOfRow, type Cell, compareKeys, pageRows, type Row, type Table, type Tables } from './tables.ts';

export interface TableCopy {
  readonly name: string;
  /** Columns that only one engine has, from the row of the other. */
  readonly derived?: Readonly<Record<string, (cell: (column: string) => Cell) => Cell>>;
  /** The row that one engine has from the beginning, where the table of the other engine is still empty. */
  readonly first?: Readonly<Record<string, Cell>>;
  /** Rows are never changed, and only the oldest ones leave: another row means that the target has its own history. */
  readonly isAppendOnly?: boolean;
  /** An earlier table, with what an append-only table had in the last row that has left it. Without a row, none has. */
  readonly cut?: string;
}

export interface TableResult {
  readonly table: string;
  /** Rows in both databases. */
  readonly rows: number;
  readonly written: number;
  readonly removed: number;
  /** SHA-256 over all rows, equal in both databases. */
  readonly digest: string;
}

interface CopyWatch {
  readonly signal: AbortSignal;
  /** Called with the number of rows that are done. */
  readonly onRows: (rows: number) => void;
}

type Counts = Pick<TableResult, 'written' | 'removed'>;

/** @throws Fault STORE_TRANSFER_FAILED, and those of the store */
export async function copyTable(
  from: Tables,
  to: Tables,
  copy: TableCopy,
  watch: CopyWatch,
): Promise<Counts> {
  const { target, source } = await shapes(from, to, copy);
  const changes = changesOf(to, target, copy, await leaversOf(from, to, target, copy));
  const targetRows = to.rows(target);
  let there = (await targetRows.next()).value ?? undefined;
  let done = 0;
  for await (const row of source()) {
    watch.signal.throwIfAborted();
    while (there !== undefined && compareKeys(there, row, target) < 0) {
      await changes.remove(there);
      there = (await targetRows.next()).value ?? undefined;
    }
    const isThere = there !== undefined && compareKeys(there, row, target) === 0;
    if (!isThere) await changes.add(row);
    else {
      if (!bytesOfRow(there ?? []).equals(bytesOfRow(row))) await changes.change(row);
      there = (await targetRows.next()).value ?? undefined;
    }
    watch.onRows(++done);
  }
  for (; there !== undefined; there = (await targetRows.next()).value ?? undefined)
    await changes.remove(there);
  return await changes.finish();
}

/**
 * Reads both tables once more, each by itself.
 * @throws Fault STORE_TRANSFER_FAILED when they differ
 */
export async function verifyTable(
  from: Tables,
  to: Tables,
  copy: TableCopy,
  { signal, onRows }: CopyWatch,
): Promise<Pick<TableResult, 'rows' | 'digest'>> {
  const { target, source } = await shapes(from, to, copy);
  const [expected, found] = [
    await digestOf(source(), signal, onRows),
    await digestOf(to.rows(target), signal, onRows),
  ];
  if (expected.digest === found.digest && expected.rows === found.rows) return found;
  throw storeFault(
    'STORE_TRANSFER_FAILED',
    `the table ${copy.name} has ${expected.rows} rows in ${from.where}, and ${found.rows} or other rows in ${to.where}`,
    { hint: 'Stop every Ward that uses one of the two, and run the same command again.' },
  );
}

async function digestOf(rows: AsyncIterable<Row>, signal: AbortSignal, onRows: (rows: number) => void) {
  const hash = createHash('sha256');
  let count = 0;
  for await (const row of rows) {
    signal.throwIfAborted();
    hash.update(bytesOfRow(row));
    onRows(++count);
  }
  return { rows: count, digest: hash.digest('hex') };
}

interface Shapes {
  readonly target: Table;
  /** The rows of the source as the target stores them. */
  source(): AsyncGenerator<Row>;
}

async function shapes(from: Tables, to: Tables, { name, derived = {}, first }: TableCopy): Promise<Shapes> {
  const [source, target] = [await from.table(name), await to.table(name)];
  if (source === undefined || target === undefined)
    throw unequal(`the table ${name} is missing in ${source === undefined ? from.where : to.where}`);
  const cells = target.columns.map((column) => {
    const position = source.columns.indexOf(column);
    const derive = derived[column];
    if (position >= 0) return (row: Row) => row[position] ?? null;
    if (derive === undefined) throw unequal(`${from.where} has no column ${name}.${column}`);
    return (row: Row) => derive((other) => row[source.columns.indexOf(other)] ?? null);
  });
  return {
    target,
    async *source() {
      let isEmpty = true;
      for await (const row of from.rows(source)) {
        isEmpty = false;
        yield to.fit(cells.map((cell) => cell(row)));
      }
      if (isEmpty && first !== undefined) yield to.fit(target.columns.map((column) => first[column] ?? null));
    },
  };
}

/** Which rows may leave the target. */
async function leaversOf(
  from: Tables,
  to: Tables,
  target: Table,
  { isAppendOnly = false, cut: name }: TableCopy,
): Promise<(row: Row) => boolean> {
  if (!isAppendOnly) return () => true;
  const cut = name === undefined ? undefined : await cutOf(from, target, name);
  if (cut === undefined) return () => false;
  // Before the first one leaves: they may be the oldest rows of another history.
  for await (const row of to.rows(target)) {
    const order = compareKeys(row, cut, target);
    if (order === 0 && !cut.every((cell, at) => cell === null || cell === row[at])) return () => false;
    if (order >= 0) break;
  }
  return (row) => compareKeys(row, cut, target) <= 0;
}

/** Null where the cut does not tell what the row had. */
async function cutOf(from: Tables, target: Table, name: string): Promise<Row | undefined> {
  const table = await from.table(name);
  if (table === undefined) return undefined;
  const { value: row } = await from.rows(table).next();
  return row && target.columns.map((column) => row[table.columns.indexOf(column)] ?? null);
}

/** Collects changes, and writes a few rows at a time. */
function changesOf(
  to: Tables,
  table: Table,
  { name, isAppendOnly = false }: TableCopy,
  mayLeave: (row: Row) => boolean,
) {
  const [leaving, changed, added]: [Row[], Row[], Row[]] = [[], [], []];
  const counts = { written: 0, removed: 0 };
  const flush = async () => {
    // In this order: another row may take the place of one that leaves or changes in an index without duplicates.
    if (leaving.length > 0) await to.remove(table, leaving.splice(0));
    if (changed.length > 0) await to.change(table, changed.splice(0));
    if (added.length > 0) await to.add(table, added.splice(0));
  };
  const keep = async (list: Row[], row: Row) => {
    list.push(row);
    if (leaving.length + changed.length + added.length >= pageRows) await flush();
  };
  const refuse = () => {
    throw storeFault(
      'STORE_TRANSFER_FAILED',
      `the table ${name} of ${to.where} has rows of another history`,
      {
        hint: 'Use an empty database.',
      },
    );
  };
  return {
    async add(row: Row) {
      counts.written++;
      await keep(added, row);
    },
    async change(row: Row) {
      if (isAppendOnly) refuse();
      counts.written++;
      await keep(changed, row);
    },
    async remove(row: Row) {
      if (!mayLeave(row)) refuse();
      counts.removed++;
      await keep(leaving, row);
    },
    async finish() {
      await flush();
      return counts;
    },
  };
}

function unequal(message: string) {
  return storeFault('STORE_TRANSFER_FAILED', message, {
    hint: 'Start the same version of Ward once on both databases, so that both have its schema.',
  });
}
