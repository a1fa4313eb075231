/**
 * What the actions of namespaces reached over the network on each day. Batches that write records add to it; see
 * `TimeTally`. Hostile code can ask for any number of names, so an action and a namespace have a limited number of rows a
 * day. What comes later counts in a row without a target, and, past the limit of the namespace, without an action.
 */
import { type Kysely, sql } from 'kysely';
import type { TimeTally } from './batch.ts';
import type { GroupWriter } from './group-writer.ts';
import type { Schema } from './schema.ts';
import type { CallUsage } from './types/activations.ts';
import { type EgressDay, type EgressStore, severalRefusals } from './types/egress.ts';

const dayMs = 86_400_000;

/** Of a day. Each can have a few more, without a target. */
export const mostEgressRows = { action: 50, namespace: 1000 } as const;

const sums = ['calls', 'attempts', 'sent_bytes', 'received_bytes'] as const;
const last = ['last_at', 'last_call'] as const;
const place = ['namespace', 'action', 'target', 'port', 'protocol', 'refusal', 'day'] as const;

const types: Readonly<Record<(typeof sums | typeof last | typeof place)[number], string>> = {
  ...{ calls: 'bigint', attempts: 'bigint', sent_bytes: 'bigint', received_bytes: 'bigint' },
  ...{ last_at: 'bigint', last_call: 'text', namespace: 'text', action: 'text', target: 'text' },
  ...{ port: 'integer', protocol: 'text', refusal: 'text', day: 'integer' },
};

/** The parameters of `egressValues`. */
export const egressArity = 11;

/** In the order of `egressTally`. */
export function egressValues(
  { activationId, namespace, path, start }: EgressCall,
  use: NonNullable<CallUsage['egress']>[number],
): readonly (string | number)[] {
  const { target, port, protocol, refusal, attempts, sentBytes, receivedBytes } = use;
  return [
    ...[activationId, namespace, path, start],
    ...[target, port, protocol, refusal, attempts, sentBytes, receivedBytes],
  ];
}

interface EgressCall {
  readonly activationId: string;
  readonly namespace: string;
  /** Of the action. */
  readonly path: string;
  readonly start: number;
}

/**
 * Adds to a day of a target. The batch has locked the day of the namespace in `usage_days` by then, since its tally comes
 * first by its text: so two servers neither wait for each other here, nor pass the limits together.
 */
export function egressTally(db: Kysely<Schema>): TimeTally {
  return {
    ...{ sql: addEgress(db), unitMs: dayMs, at: 3, perRow: [1], of: [8, 9, 10] },
    ...{ last: [3, 0], by: [1, 2, 4, 5, 6, 7] },
  };
}

function addEgress(db: Kysely<Schema>): string {
  const given = [...sums, ...last, 'day', ...place.slice(0, -1)] as const;
  const values = given.map((name) => sql`cast(${0} as ${sql.raw(types[name])}) as ${sql.ref(name)}`);
  const columns = sql.join(given.map((name) => sql.ref(name)));
  const isThere = sql.join(
    place.map((name) => sql`${sql.ref(`same.${name}`)} = ${sql.ref(`given.${name}`)}`),
    sql` and `,
  );
  const areFull = (most: number, more = sql``) =>
    sql`exists (select 1 from usage_egress as one
      where one.day = given.day and one.namespace = given.namespace${more} limit 1 offset ${sql.lit(most - 1)})`;
  const { action, namespace } = mostEgressRows;
  // 0: a row of its own; 1: the action's; 2: the namespace's.
  const fold = sql`case
    when exists (select 1 from usage_egress as same where ${isThere}) then 0
    when ${areFull(namespace)} then 2
    when target <> '' and ${areFull(action, sql` and one.action = given.action`)} then 1
    else 0 end`;
  const unless = (column: string, least: number, otherwise: string) =>
    sql.raw(`case when fold >= ${least} then ${otherwise} else ${column} end`);
  const folded: Partial<Record<(typeof given)[number], ReturnType<typeof unless>>> = {
    action: unless('action', 2, `''`),
    target: unless('target', 1, `''`),
    port: unless('port', 1, '0'),
    protocol: unless('protocol', 1, `''`),
    refusal: unless('refusal', 1, `case when refusal = '' then '' else '${severalRefusals}' end`),
  };
  // Materialized: otherwise SQLite looks for each of the columns again.
  return sql`insert into "usage_egress" (${columns})
    with folded as materialized (select given.*, ${fold} as fold
      from (select ${sql.join(values)}) as given
      where exists (select 1 from namespaces where name = given.namespace))
    select ${sql.join(given.map((name) => folded[name] ?? sql.ref(name)))} from folded where true
    on conflict (${sql.join(place.map((name) => sql.ref(name)))}) do update set
      ${sql.join(sums.map((name) => sql`${sql.ref(name)} = ${sql.ref(`usage_egress.${name}`)} + ${sql.ref(`excluded.${name}`)}`))},
      ${sql.join(last.map((name) => sql`${sql.ref(name)} = ${sql.ref(`excluded.${name}`)}`))}`.compile(db)
    .sql;
}

/** Before all rows. */
const first = { target: '', port: 0, protocol: '', refusal: '', day: -1 };

export function egressStore(db: Kysely<Schema>, writer: GroupWriter): EgressStore {
  return {
    async list({ namespace, action }, after, limit) {
      if (namespace === undefined) await writer.flush();
      else await writer.flushNamespace(namespace);
      const from = after ?? { ...first, namespace: namespace ?? '', action: action ?? '' };
      // The filter only says where to begin and to end: so a page reads no more rows than it has.
      const page = await db
        .selectFrom('usage_egress')
        .selectAll()
        .where(sql<boolean>`(${sql.join(place.map((name) => sql.ref(name)))})
          > (${sql.join(place.map((name) => from[name]))})`)
        .orderBy(sql.join(place.map((name) => sql.ref(name))))
        .limit(limit)
        .execute();
      const end = page.findIndex(
        (row) => row.namespace !== (namespace ?? row.namespace) || row.action !== (action ?? row.action),
      );
      return (end === -1 ? page : page.slice(0, end)).map(
        ({ sent_bytes, received_bytes, last_at, last_call, ...row }): EgressDay => ({
          ...row,
          ...{ sentBytes: sent_bytes, receivedBytes: received_bytes, lastAt: last_at, lastCall: last_call },
        }),
      );
    },
    async forget(before, most) {
      const columns = sql.join(place.map((name) => sql.ref(name)));
      const { numAffectedRows = 0n } = await sql`delete from usage_egress where (${columns}) in
        (select ${columns} from usage_egress where day < ${before} order by day limit ${most})`.execute(db);
      return Number(numAffectedRows);
    },
  };
}
