/** Reads rows from PostgreSQL, and checks their columns. */
import { z } from 'zod';
import type { PostgresConnection } from '../../../store/index.ts';

export async function selectAll<Row>(
  connection: PostgresConnection,
  row: z.ZodType<Row>,
  sql: string,
  values: readonly unknown[] = [],
): Promise<readonly Row[]> {
  const { rows } = await connection.raw(sql, values);
  return z.array(row).parse(rows);
}

export async function selectOne<Row>(
  connection: PostgresConnection,
  row: z.ZodType<Row>,
  sql: string,
  values: readonly unknown[] = [],
): Promise<Row | undefined> {
  const [found] = await selectAll(connection, row, sql, values);
  return found;
}
