/** Reads holdings and last use of namespaces: a page in one statement, from counters and indexes. */
import { type Kysely, sql } from 'kysely';
import type { Schema } from './schema.ts';
import type { NamespacePage, NamespaceUsage } from './types/namespaces.ts';

interface UsageRecord {
  readonly name: string;
  readonly actions: number;
  readonly entity_bytes: number;
  readonly code_bytes: number;
  readonly records: number;
  readonly record_bytes: number;
  readonly last_start: number | null;
  readonly last_deleted_start: number | null;
}

export async function namespaceUsage(
  db: Kysely<Schema>,
  { skip, limit }: NamespacePage,
): Promise<readonly NamespaceUsage[]> {
  const page = sql`select name from namespaces order by name limit ${limit} offset ${skip}`;
  const { rows } = await sql<UsageRecord>`
    select page.name,
      (select count(*) from entities where namespace = page.name and collection = 'actions') as actions,
      (select entity_bytes from holdings where namespace = page.name) as entity_bytes,
      (select code_bytes from holdings where namespace = page.name) as code_bytes,
      (select total from activation_counts where namespace = page.name) as records,
      (select bytes from activation_counts where namespace = page.name) as record_bytes,
      (select last_deleted_start from activation_counts where namespace = page.name) as last_deleted_start,
      (select max(start) from activations where namespace = page.name) as last_start
    from (${page}) as page`.execute(db);
  return rows.map((row) => {
    const lastUsedAt = Math.max(row.last_start ?? 0, row.last_deleted_start ?? 0);
    return {
      name: row.name,
      actions: row.actions,
      entityBytes: row.entity_bytes,
      codeBytes: row.code_bytes,
      records: row.records,
      recordBytes: row.record_bytes,
      lastUsedAt: lastUsedAt === 0 ? null : lastUsedAt,
    };
  });
}
