/** A query in PostgreSQL stays fast among millions of rows if its plan uses an index and does not sort. */
import { Kysely } from 'kysely';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { groupWriter } from '../../group-writer.ts';
import { storeParts } from '../../parts.ts';
import type { Schema } from '../../schema.ts';
import { namespaceRow } from '../../suite/context.ts';
import { readAll } from '../../suite/reads.ts';
import { batches } from '../batch.ts';
import { postgresChanges } from '../changes.ts';
import { postgresDialect, postgresWords } from '../dialect.ts';
import { type Connection, openPool, type Pool } from '../pool.ts';

const planRows = z.array(z.object({ 'QUERY PLAN': z.string() }));

/** @param newUrl of a migrated database without rows */
export function postgresPlanTests(newUrl: () => Promise<string>): void {
  test('no query scans a whole table or sorts', async () => {
    const pool = openPool({ url: await newUrl() });
    const queries = new Set<string>();
    const db = new Kysely<Schema>({ dialect: postgresDialect(watched(pool, queries)) });
    const writer = groupWriter(batches(pool).run);
    const store = { changes: postgresChanges(db, pool), ...storeParts(db, writer, postgresWords) };
    await store.namespaces.create(namespaceRow('guest'));
    queries.clear();
    await readAll(store);
    const planner = await pool.connect();
    try {
      const statements = [...queries].filter((sql) => /^\s*(?:select|with|delete|update|insert)/.test(sql));
      expect(statements.length).toBeGreaterThan(35);
      expect(await slowPlans(planner, statements)).toEqual([]);
    } finally {
      planner.release();
      await pool.close();
    }
  });
}

function watched(pool: Pool, queries: Set<string>): Pool {
  return {
    ...pool,
    async connect() {
      const connection = await pool.connect();
      return {
        ...connection,
        raw(sql, values) {
          queries.add(sql);
          return connection.raw(sql, values);
        },
      };
    },
  };
}

/** Small tables look cheap to scan. So scans and sorts are forbidden, and a plan that has one has no other way. */
async function slowPlans(planner: Connection, statements: readonly string[]): Promise<readonly string[]> {
  await planner.raw('set enable_seqscan = off');
  await planner.raw('set enable_sort = off');
  await planner.raw('set enable_bitmapscan = off');
  const slow: string[] = [];
  for (const statement of statements) {
    const { rows } = await planner.raw(`explain (generic_plan, costs off) ${statement}`);
    const lines = planRows.parse(rows).map((row) => row['QUERY PLAN']);
    for (const line of lines)
      if (/Seq Scan|Sort(?! Key)/.test(line)) slow.push(`${line.trim()}: ${statement}`);
  }
  return slow;
}
