/** What namespaces used on each day. Batches that write records add to it; see `TimeTally`. */
import { type Kysely, sql } from 'kysely';
import type { GroupWriter } from './group-writer.ts';
import type { Schema } from './schema.ts';
import type { UsageStore } from './types/usage.ts';
import { differingUsage, egressProblem, excessEgress, usageProblem } from './usage-check.ts';

/** Of the problems that one check tells. */
const mostProblems = 20;

/** In the order of the statement's parameters. */
const sums = ['calls', 'unrecorded', 'mib_ms', 'cold_starts', 'sent_bytes', 'received_bytes'] as const;

/**
 * The statement that adds to a day. Parameters: calls, how many of them left no record, MiB × ms, cold starts, bytes sent
 * and received, the day, the namespace.
 */
export function addCalls(db: Kysely<Schema>): string {
  const number = sql<number>`cast(${0} as bigint)`;
  return db
    .insertInto('usage_days')
    .columns([...sums, 'day', 'namespace', 'born'])
    .expression((from) =>
      from
        .selectFrom('namespaces')
        .select(sums.map((name) => number.as(name)))
        .select([sql<number>`cast(${0} as integer)`.as('day'), 'name', 'created_at'])
        .where('name', '=', ''),
    )
    .onConflict((conflict) =>
      conflict
        .columns(['day', 'namespace', 'born'])
        .doUpdateSet((row) =>
          Object.fromEntries(
            sums.map((name) => [
              name,
              sql<number>`usage_days.${sql.ref(name)} + ${row.ref(`excluded.${name}`)}`,
            ]),
          ),
        ),
    )
    .compile().sql;
}

export function usageStore(db: Kysely<Schema>, writer: GroupWriter): UsageStore {
  return {
    async days({ namespace, createdAt, since, until }, after, limit) {
      await writer.flush();
      let rows = db.selectFrom('usage_days').selectAll().where('day', '>=', since).where('day', '<=', until);
      if (namespace !== undefined) rows = rows.where('namespace', '=', namespace);
      if (createdAt !== undefined) rows = rows.where('born', '=', createdAt);
      if (after !== undefined) {
        rows = rows.where(({ eb, refTuple, tuple }) =>
          eb(refTuple('day', 'namespace', 'born'), '>', tuple(after.day, after.namespace, after.createdAt)),
        );
      }
      const found = await rows.orderBy('day').orderBy('namespace').orderBy('born').limit(limit).execute();
      return found.map((row) => ({
        ...{ day: row.day, namespace: row.namespace, createdAt: row.born },
        ...{ calls: row.calls, mibMs: row.mib_ms, coldStarts: row.cold_starts },
        ...{ sentBytes: row.sent_bytes, receivedBytes: row.received_bytes },
        ...{ storedByteHours: row.stored_byte_hours, storedHours: row.stored_hours },
      }));
    },
    async sample(namespace, bytes, hour) {
      const number = (value: number) => sql<number>`cast(${value} as bigint)`;
      const nothing = { calls: 0, unrecorded: 0, mib_ms: 0, cold_starts: 0 };
      const columns = { ...nothing, stored_byte_hours: bytes, stored_hours: 1, stored_hour: hour };
      const day = sql<number>`cast(${Math.floor(hour / 24)} as integer)`;
      await db
        .insertInto('usage_days')
        .columns([...(Object.keys(columns) as (keyof typeof columns)[]), 'day', 'namespace', 'born'])
        .expression((from) =>
          from
            .selectFrom('namespaces')
            .select(Object.entries(columns).map(([name, value]) => number(value).as(name)))
            .select([day.as('day'), 'name', 'created_at'])
            .where('name', '=', namespace),
        )
        .onConflict((conflict) =>
          conflict
            .columns(['day', 'namespace', 'born'])
            .doUpdateSet((row) => ({
              stored_byte_hours: sql`usage_days.stored_byte_hours + ${row.ref('excluded.stored_byte_hours')}`,
              stored_hours: sql`usage_days.stored_hours + 1`,
              stored_hour: row.ref('excluded.stored_hour'),
            }))
            .where('usage_days.stored_hour', '<', hour),
        )
        .execute();
    },
    async forget(before) {
      await db.deleteFrom('usage_days').where('day', '<', before).execute();
    },
    async problems() {
      await writer.flush();
      const rowsOf = async (query: string) =>
        (await sql<Readonly<Record<string, unknown>>>`${sql.raw(query)}`.execute(db)).rows;
      return [
        ...(await rowsOf(differingUsage(mostProblems))).map(usageProblem),
        ...(await rowsOf(excessEgress(mostProblems))).map(egressProblem),
      ];
    },
  };
}
