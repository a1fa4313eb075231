/**
 * State of the feed providers. It changes with every firing, so its writes go through the group writer: a thousand
 * feeds that fire in the same second cost the disk no more than one.
 */
import type { Kysely } from 'kysely';
import type { Unit } from './batch.ts';
import { parseObject } from './documents.ts';
import type { GroupWriter } from './group-writer.ts';
import { digestOf, noteStep } from './noted.ts';
import type { FeedTable, Schema } from './schema.ts';
import { statement, step } from './statements.ts';
import type { FeedChange, FeedPlace, FeedRow, FeedStore } from './types/feeds.ts';

export function feedStore(db: Kysely<Schema>, writer: Pick<GroupWriter, 'submit'>): FeedStore {
  const units = feedUnits(db);
  const write = async (namespace: string, unit: Unit) =>
    (await writer.submit({ namespace, unit, urgent: true })) > 0;
  const notedStep = noteStep(db);
  /** An owner's change, not a provider's: the audit log names it. */
  const owned = (
    change: FeedChange | undefined,
    what: string,
    { namespace, trigger }: FeedPlace,
    after?: FeedRow,
  ) =>
    change === undefined
      ? []
      : [
          notedStep({
            ...{ what: `${what}-feed`, name: `/${namespace}/${trigger}`, namespace },
            before: change.replaced && digestOfRow(change.replaced),
            after: after && digestOfRow(after),
          }),
        ];
  return {
    async get(namespace, trigger) {
      const row = await db
        .selectFrom('feeds')
        .selectAll()
        .where('namespace', '=', namespace)
        .where('trigger', '=', trigger)
        .executeTakeFirst();
      return row === undefined ? undefined : toRow(row);
    },
    async byToken(token) {
      const row = await db.selectFrom('feeds').selectAll().where('token', '=', token).executeTakeFirst();
      return row === undefined ? undefined : toRow(row);
    },
    put: (row, expected, change) =>
      write(row.namespace, [
        ...(expected === null ? units.insert(row) : units.replace(row, expected)),
        ...owned(change, expected === null ? 'create' : 'update', row, row),
      ]),
    delete: (namespace, trigger, change) =>
      write(namespace, [
        ...units.delete(namespace, trigger),
        ...owned(change, 'delete', { namespace, trigger }),
      ]),
    async count(namespace) {
      const row = await db
        .selectFrom('feeds')
        .select((build) => build.fn.countAll<number>().as('total'))
        .where('namespace', '=', namespace)
        .executeTakeFirstOrThrow();
      return row.total;
    },
    async list(namespace, { skip, limit }) {
      const rows = await db
        .selectFrom('feeds')
        .selectAll()
        .where('namespace', '=', namespace)
        .orderBy('trigger')
        .limit(limit)
        .offset(skip)
        .execute();
      return rows.map(toRow);
    },
    async due(now, limit) {
      const rows = await db
        .selectFrom('feeds')
        .selectAll()
        .where('due_at', '<=', now)
        .orderBy('due_at')
        .orderBy('namespace')
        .orderBy('trigger')
        .limit(limit)
        .execute();
      return rows.map(toRow);
    },
    async waiting(limit, { namespace, trigger } = { namespace: '', trigger: '' }) {
      const rows = await db
        .selectFrom('feeds')
        .selectAll()
        .where('due_at', 'is not', null)
        .where(({ eb, refTuple, tuple }) =>
          eb(refTuple('namespace', 'trigger'), '>', tuple(namespace, trigger)),
        )
        .orderBy('namespace')
        .orderBy('trigger')
        .limit(limit)
        .execute();
      return rows.map(toRow);
    },
    async nextDue() {
      const row = await db
        .selectFrom('feeds')
        .select((build) => build.fn.min('due_at').as('earliest'))
        .where('due_at', 'is not', null)
        .executeTakeFirst();
      return row?.earliest ?? undefined;
    },
  };
}

function feedUnits(db: Kysely<Schema>) {
  const columns = { provider: '', revision: '', token: '', due_at: 0, document: '' };
  const insert = statement(
    db
      .insertInto('feeds')
      .values({ namespace: '', trigger: '', ...columns })
      .onConflict((conflict) => conflict.columns(['namespace', 'trigger']).doNothing()),
    { holds: 0 },
  );
  const replace = statement(
    db
      .updateTable('feeds')
      .set(columns)
      .where('namespace', '=', '')
      .where('trigger', '=', '')
      .where('revision', '=', ''),
    { holds: 5 },
  );
  const remove = statement(db.deleteFrom('feeds').where('namespace', '=', '').where('trigger', '=', ''), {
    holds: 0,
  });
  const valuesOf = ({ provider, revision, token, dueAt, document }: FeedRow) => [
    provider,
    revision,
    token,
    dueAt,
    JSON.stringify(document),
  ];
  return {
    insert: (row: FeedRow): Unit => [step(insert, [row.namespace, row.trigger, ...valuesOf(row)])],
    replace: (row: FeedRow, expected: string): Unit => [
      step(replace, [...valuesOf(row), row.namespace, row.trigger, expected]),
    ],
    delete: (namespace: string, trigger: string): Unit => [step(remove, [namespace, trigger])],
  };
}

/** Its revision and its next date change without its owner. */
function digestOfRow({ revision: _, dueAt: __, token: ___, ...content }: FeedRow): string {
  return digestOf({ ...content });
}

function toRow(row: FeedTable): FeedRow {
  return {
    namespace: row.namespace,
    trigger: row.trigger,
    provider: row.provider,
    revision: row.revision,
    token: row.token,
    dueAt: row.due_at,
    document: parseObject(row.document),
  };
}
