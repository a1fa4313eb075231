/** Violations: a ring for each namespace, so that a namespace with many pushes out only its own. */
import type { Kysely } from 'kysely';
import type { Unit } from './batch.ts';
import type { GroupWriter } from './group-writer.ts';
import type { Schema } from './schema.ts';
import { statement, step } from './statements.ts';
import {
  type ViolationQuery,
  type ViolationRow,
  type ViolationStore,
  violationsKept,
} from './types/violations.ts';

export function violationStore(db: Kysely<Schema>, writer: GroupWriter): ViolationStore {
  const unitOf = violationUnit(db);
  const matching = ({ namespace, kind, since }: Omit<ViolationQuery, 'skip' | 'limit'>) => {
    let query = db.selectFrom('violations');
    if (namespace !== undefined) query = query.where('namespace', '=', namespace);
    if (kind !== undefined) query = query.where('kind', '=', kind);
    if (since !== undefined) query = query.where('at', '>=', since);
    return query;
  };
  return {
    async add(row) {
      await writer.submit({ namespace: row.namespace, unit: unitOf(row), urgent: false });
    },
    async list({ skip, limit, ...filter }) {
      if (filter.namespace === undefined) await writer.flush();
      else await writer.flushNamespace(filter.namespace);
      const rows = await matching(filter)
        .select(['namespace', 'at', 'kind', 'detail', 'action', 'activation_id as activationId'])
        .orderBy('id', 'desc')
        .limit(limit)
        .offset(skip)
        .execute();
      return rows;
    },
    async count(filter) {
      const row = await matching(filter)
        .select((build) => build.fn.countAll<number>().as('total'))
        .executeTakeFirstOrThrow();
      return Number(row.total);
    },
  };
}

function violationUnit(db: Kysely<Schema>): (row: ViolationRow) => Unit {
  const insert = statement(
    db
      .insertInto('violations')
      .values({ namespace: '', at: 0, kind: '', detail: '', action: '', activation_id: '' }),
  );
  const oldest = db
    .selectFrom('violations')
    .select('id')
    .where('namespace', '=', '')
    .orderBy('id', 'desc')
    .limit(1)
    .offset(violationsKept);
  const trim = statement(db.deleteFrom('violations').where('namespace', '=', '').where('id', '<=', oldest));
  return ({ namespace, at, kind, detail, action, activationId }) => [
    step(insert, [namespace, at, kind, detail, action, activationId]),
    step(trim, [namespace, namespace, 1, violationsKept]),
  ];
}
