/**
 * Calls of rules that wait for another try, or were given up. When an action breaks down there are many at once, so
 * their writes go through the group writer.
 */
import type { Kysely } from 'kysely';
import type { Unit } from './batch.ts';
import { parseObject } from './documents.ts';
import { storeFault } from './faults.ts';
import type { GroupWriter } from './group-writer.ts';
import { noteStep } from './noted.ts';
import type { DeliveryTable, Schema } from './schema.ts';
import { statement, step } from './statements.ts';
import type { DeliveryRow, DeliveryStore } from './types/deliveries.ts';

export function deliveryStore(db: Kysely<Schema>, writer: Pick<GroupWriter, 'submit'>): DeliveryStore {
  const units = deliveryUnits(db);
  const write = async (namespace: string, unit: Unit) =>
    (await writer.submit({ namespace, unit, urgent: true })) > 0;
  const notedStep = noteStep(db);
  const dead = (namespace: string, rule: string | undefined) => {
    const all = db.selectFrom('deliveries').where('namespace', '=', namespace).where('state', '=', 'dead');
    return rule === undefined ? all : all.where('rule', '=', rule);
  };
  return {
    async add(row) {
      await write(row.namespace, units.add(row));
    },
    async get(namespace, id) {
      const row = await db
        .selectFrom('deliveries')
        .selectAll()
        .where('id', '=', id)
        .where('namespace', '=', namespace)
        .executeTakeFirst();
      return row === undefined ? undefined : toRow(row);
    },
    update: (row, expected) => write(row.namespace, units.update(row, expected)),
    delete: (namespace, id) => write(namespace, units.delete(namespace, id)),
    discard: (namespace, id) => {
      const change = { what: 'delete-dead-letter', name: `/${namespace}/${id}`, namespace };
      return write(namespace, [...units.delete(namespace, id), notedStep(change)]);
    },
    async due(now, limit) {
      const rows = await db
        .selectFrom('deliveries')
        .selectAll()
        .where('state', '=', 'waiting')
        .where('due_at', '<=', now)
        .orderBy('due_at')
        .orderBy('id')
        .limit(limit)
        .execute();
      return rows.map(toRow);
    },
    async nextDue() {
      const row = await db
        .selectFrom('deliveries')
        .select((build) => build.fn.min<number | null>('due_at').as('earliest'))
        .where('state', '=', 'waiting')
        .executeTakeFirst();
      return row?.earliest ?? undefined;
    },
    async dead({ namespace, rule, skip, limit }) {
      const rows = await dead(namespace, rule)
        .selectAll()
        .orderBy('due_at', 'desc')
        .orderBy('id', 'desc')
        .limit(limit)
        .offset(skip)
        .execute();
      return rows.map(toRow);
    },
    async countDead(namespace, rule) {
      const row = await dead(namespace, rule)
        .select((build) => build.fn.countAll<number>().as('total'))
        .executeTakeFirstOrThrow();
      return Number(row.total);
    },
  };
}

function deliveryUnits(db: Kysely<Schema>) {
  const columns = { rule: '', state: '', attempt: 0, created_at: 0, due_at: 0, document: '' };
  const add = statement(db.insertInto('deliveries').values({ id: '', namespace: '', ...columns }), {
    holds: 1,
  });
  const update = statement(
    db
      .updateTable('deliveries')
      .set(columns)
      .where('id', '=', '')
      .where('namespace', '=', '')
      .where('attempt', '=', 0)
      .where('state', '=', ''),
    { holds: 7 },
  );
  const remove = statement(db.deleteFrom('deliveries').where('id', '=', '').where('namespace', '=', ''), {
    holds: 1,
  });
  const valuesOf = (row: DeliveryRow) => [
    row.rule,
    row.state,
    row.attempt,
    row.createdAt,
    row.dueAt,
    JSON.stringify(row.document),
  ];
  return {
    add: (row: DeliveryRow): Unit => [step(add, [row.id, row.namespace, ...valuesOf(row)])],
    update: (row: DeliveryRow, { attempt, state }: Pick<DeliveryRow, 'attempt' | 'state'>): Unit => [
      step(update, [...valuesOf(row), row.id, row.namespace, attempt, state]),
    ],
    delete: (namespace: string, id: string): Unit => [step(remove, [id, namespace])],
  };
}

function toRow(row: DeliveryTable): DeliveryRow {
  return {
    id: row.id,
    namespace: row.namespace,
    rule: row.rule,
    state: stateOf(row.state),
    attempt: row.attempt,
    createdAt: row.created_at,
    dueAt: row.due_at,
    document: parseObject(row.document),
  };
}

function stateOf(text: string): DeliveryRow['state'] {
  if (text === 'waiting' || text === 'dead') return text;
  throw storeFault('STORE_CORRUPT', `a delivery has an unknown state: ${text}`);
}
