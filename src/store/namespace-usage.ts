/**
 * Reads what namespaces hold and when they were last used: a page in two statements, each by indexes. The size of records
 * is estimated from the newest, since adding up millions would take minutes.
 */
import { type Kysely, sql } from 'kysely';
import type { Schema } from './schema.ts';
import type { NamespacePage, NamespaceUsage } from './types.ts';

const sampledRecords = 100;

interface UsageRecord {
  readonly name: string;
  readonly actions: number;
  readonly records: number;
  readonly bytes_per_record: number | null;
  readonly last_start: number | null;
  readonly last_deleted_start: number | null;
}

export async function namespaceUsage(
  db: Kysely<Schema>,
  { skip, limit }: NamespacePage,
): Promise<readonly NamespaceUsage[]> {
  const page = sql`select name from namespaces order by name limit ${limit} offset ${skip}`;
  // octet_length does not read the further pages of a long value.
  const { rows } = await sql<UsageRecord>`
    select page.name,
      (select count(*) from entities where namespace = page.name and collection = 'actions') as actions,
      (select total from activation_counts where namespace = page.name) as records,
      (select last_deleted_start from activation_counts where namespace = page.name) as last_deleted_start,
      (select max(start) from activations where namespace = page.name) as last_start,
      (select avg(octet_length(document) + ifnull(octet_length(response), 0) + ifnull(
          (select octet_length(lines) from activation_logs as logs where logs.activation_id = newest.activation_id), 0))
        from (select activation_id, document, response from activations where namespace = page.name
          order by start desc, activation_id desc limit ${sampledRecords}) as newest) as bytes_per_record
    from (${page}) as page`.execute(db);
  const { rows: code } = await sql<{ namespace: string; digest: string }>`
    select entities.namespace, code_digest as digest
    from (${page}) as page cross join entities on entities.namespace = page.name
    where code_digest is not null`.execute(db);
  const digests = Map.groupBy(code, ({ namespace }) => namespace);
  return rows.map((row) => {
    const lastUsedAt = Math.max(row.last_start ?? 0, row.last_deleted_start ?? 0);
    return {
      name: row.name,
      actions: row.actions,
      records: row.records,
      recordBytes: Math.round((row.bytes_per_record ?? 0) * row.records),
      lastUsedAt: lastUsedAt === 0 ? null : lastUsedAt,
      codeDigests: [...new Set(digests.get(row.name)?.map(({ digest }) => digest))],
    };
  });
}
