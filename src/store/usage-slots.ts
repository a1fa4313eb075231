/**
 * How many calls namespaces have had in short stretches of time, and how these went. Batches that write records add to
 * it; see `TimeTally`.
 */
import { type Kysely, sql } from 'kysely';
import type { Statement } from './batch.ts';
import type { Schema } from './schema.ts';
import {
  durationBand,
  durationBands,
  type SlotRange,
  slotMinutes,
  type UsageSlotStore,
} from './types/usage-slots.ts';

const minuteMs = 60_000;
const counts = ['calls', 'failed', 'cold_starts'] as const;
const bands = Array.from({ length: durationBands }, (_, band) => `band_${band}`);
const sums = [...counts, ...bands];
const place = ['minutes', 'namespace', 'born', 'slot'] as const;

interface SlotCall {
  readonly activationId: string;
  readonly namespace: string;
  readonly start: number;
  readonly end: number | null;
  readonly statusCode: number;
}

/** In the order of `slotStatements`. */
export function slotValues(call: SlotCall, isCold: boolean): readonly (string | number)[] {
  return [call.activationId, call.namespace, call.start, call.statusCode === 0 ? 0 : 1, isCold ? 1 : 0];
}

/**
 * The statement for a call, by the band of its duration: one for all bands would write forty columns for each call. The
 * batch has locked the day of the namespace in `usage_days` by then, since its tally comes first by its text: so two
 * servers that add to the same slots in another order don't wait for each other.
 */
export function slotStatements(db: Kysely<Schema>): (call: Pick<SlotCall, 'start' | 'end'>) => Statement {
  const statements = new Map<number, Statement>();
  return ({ start, end }) => {
    const band = durationBand((end ?? start) - start);
    let statement = statements.get(band);
    if (statement === undefined) {
      const timeTally = {
        sql: addToSlots(db, band),
        unitMs: minuteMs,
        at: 2,
        by: [1],
        perRow: [1, 1],
        of: [3, 4],
      };
      statement = { sql: '', arity: 5, timeTally };
      statements.set(band, statement);
    }
    return statement;
  };
}

/** Adds to one slot of each length. */
function addToSlots(db: Kysely<Schema>, band: number): string {
  const added = [`band_${band}`, ...counts];
  const refs = (names: readonly string[]) => sql.join(names.map((name) => sql.ref(name)));
  const given = [...added, 'minute'].map((name) => sql`cast(${0} as bigint) as ${sql.ref(name)}`);
  const lengths = sql.join(
    slotMinutes.map((minutes) => sql`select ${sql.lit(minutes)} as minutes`),
    sql` union all `,
  );
  const grow = added.map(
    (name) => sql`${sql.ref(name)} = ${sql.ref(`usage_slots.${name}`)} + ${sql.ref(`excluded.${name}`)}`,
  );
  return sql`insert into "usage_slots" (${refs([...place, ...added])})
    select lengths.minutes, name, created_at, given.minute / lengths.minutes, ${refs(added.map((name) => `given.${name}`))}
      from (select ${sql.join(given)}, cast(${''} as text) as namespace) as given
        join namespaces on name = given.namespace cross join (${lengths}) as lengths
      where true
    on conflict (${refs(place)}) do update set ${sql.join(grow)}`.compile(db).sql;
}

/** Reads what is on disk; what waits to be written comes within milliseconds. */
export function usageSlotStore(db: Kysely<Schema>): UsageSlotStore {
  // A namespace has its own slots only, and not those of an earlier one of its name.
  const inRange = ({ minutes, since, until }: SlotRange) =>
    sql`from namespaces as owners cross join usage_slots as slots
      where slots.minutes = ${minutes} and slots.namespace = owners.name and slots.born = owners.created_at
        and slots.slot >= ${since} and slots.slot <= ${until}`;
  const total = (name: string) => sql`cast(sum(${sql.ref(`slots.${name}`)}) as bigint)`;
  return {
    async sums(range) {
      const columns = sums.map((name) => sql`${total(name)} as ${sql.ref(name)}`);
      const { rows } = await sql<Readonly<Record<string, number>> & { readonly namespace: string }>`
        select owners.name as namespace, ${sql.join(columns)} ${inRange(range)}
          group by owners.name order by owners.name`.execute(db);
      return rows.map((row) => ({
        ...{ namespace: row.namespace, calls: row['calls'] ?? 0 },
        ...{ failed: row['failed'] ?? 0, coldStarts: row['cold_starts'] ?? 0 },
        bands: bands.map((name) => row[name] ?? 0),
      }));
    },
    async slots(range, namespaces) {
      if (namespaces.length === 0) return [];
      const { rows } = await sql<Awaited<ReturnType<UsageSlotStore['slots']>>[number]>`
        select owners.name as namespace, slots.slot, slots.calls, slots.failed ${inRange(range)}
          and owners.name in (${sql.join(namespaces)})`.execute(db);
      return rows;
    },
    async count(range) {
      const { rows } = await sql<{ readonly calls: number | null }>`
        select ${total('calls')} as calls ${inRange(range)}`.execute(db);
      return rows[0]?.calls ?? 0;
    },
    async forget(minutes, before, most) {
      const columns = sql.join(place.map((name) => sql.ref(name)));
      const { numAffectedRows = 0n } = await sql`delete from usage_slots where (${columns}) in
        (select ${columns} from usage_slots where minutes = ${minutes} and slot < ${before} limit ${most})`.execute(
        db,
      );
      return Number(numAffectedRows);
    },
  };
}
