/** Copies the tables of one room from one database to another one, of the same or of another engine. */
import { copyTable, type TableCopy, type TableResult, verifyTable } from './copy-table.ts';
import { postgresTables } from './postgres-tables.ts';
import { sqliteTables } from './sqlite-tables.ts';
import type { Tables } from './tables.ts';

/** A database with the newest schema. */
export type TablesPlace =
  | { readonly engine: 'sqlite'; readonly file: string }
  | { readonly engine: 'postgres'; readonly url: string; readonly schema: string };

export interface TransferStep {
  readonly what: 'copy' | 'verify';
  readonly table: string;
  readonly rows: number;
}

interface TransferOptions {
  readonly from: TablesPlace;
  readonly to: TablesPlace;
  /** In this order: a table after those that its rows refer to, and last those that triggers of others change. */
  readonly tables: readonly TableCopy[];
  readonly signal: AbortSignal;
  readonly onStep: (step: TransferStep) => void;
}

/**
 * Makes the tables of `to` equal to those of `from` as of the moment of the call. Leaves out what `from` gets
 * meanwhile. Run it again after an interruption: it writes only what differs. Nobody else may write to `to`.
 * @throws Fault STORE_TRANSFER_FAILED, and those of the store
 */
export async function transferTables(options: TransferOptions): Promise<readonly TableResult[]> {
  const { tables, signal, onStep } = options;
  await using from = await openTables(options.from, true);
  await using to = await openTables(options.to, false);
  const watch = (what: TransferStep['what'], table: string) => ({
    signal,
    onRows: (rows: number) => onStep({ what, table, rows }),
  });
  const copied = [];
  for (const copy of tables) {
    copied.push({ copy, counts: await copyTable(from, to, copy, watch('copy', copy.name)) });
  }
  const results: TableResult[] = [];
  for (const { copy, counts } of copied) {
    const found = await verifyTable(from, to, copy, watch('verify', copy.name));
    results.push({ table: copy.name, ...counts, ...found });
  }
  return results;
}

async function openTables(place: TablesPlace, isFrozen: boolean): Promise<Tables> {
  if (place.engine === 'sqlite') return sqliteTables(place.file, isFrozen);
  return await postgresTables({ ...place, isFrozen });
}
