/** The queue of accepted invocations: durable before the 202, claimed by attempt, settled by their record. */
import type { Kysely } from 'kysely';
import { parseValue } from './documents.ts';
import type { GroupWriter } from './group-writer.ts';
import type { AcceptedTable, Schema } from './schema.ts';
import { writeUnits } from './statements.ts';
import type { AcceptedQueue, AcceptedRow } from './types.ts';

/** Claims and settlements don't know their namespace. No read of activations depends on one. */
const anyNamespace = '';
/** Of a row that is there. */
const mark = { namespace: anyNamespace, urgent: true, lasting: true, essential: true };

export function acceptedQueue(db: Kysely<Schema>, writer: GroupWriter): AcceptedQueue {
  const units = writeUnits(db);
  return {
    async accept(row) {
      await writer.submit({ namespace: row.namespace, unit: units.accept(row), urgent: true });
    },
    async claim(activationId, attempt) {
      const unit = units.claim(activationId, attempt);
      return (await writer.submit({ ...mark, unit })) === 1;
    },
    async settle(activationId, attempt) {
      const unit = units.settle(activationId, attempt);
      await writer.submit({ ...mark, unit });
    },
    async get(namespace, activationId) {
      await writer.flushNamespace(namespace);
      await writer.flushNamespace(anyNamespace);
      const row = await db
        .selectFrom('accepted')
        .selectAll()
        .where('activation_id', '=', activationId)
        .where('namespace', '=', namespace)
        .executeTakeFirst();
      return row === undefined ? undefined : toRow(row);
    },
    async pending(limit) {
      await writer.flush();
      const rows = await db
        .selectFrom('accepted')
        .selectAll()
        .orderBy('accepted_at')
        .orderBy('activation_id')
        .limit(limit)
        .execute();
      return rows.map(toRow);
    },
  };
}

function toRow(row: AcceptedTable): AcceptedRow {
  return {
    activationId: row.activation_id,
    namespace: row.namespace,
    acceptedAt: row.accepted_at,
    attempt: row.attempt,
    job: parseValue(row.job),
  };
}
