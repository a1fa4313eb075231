/** The queue of accepted invocations: durable before the 202, claimed by attempt, settled by their record. */
import type { Kysely } from 'kysely';
import { parseValue } from './documents.ts';
import type { GroupWriter } from './group-writer.ts';
import type { Schema } from './schema.ts';
import { writeUnits } from './statements.ts';
import type { AcceptedQueue } from './types.ts';

export function acceptedQueue(db: Kysely<Schema>, writer: GroupWriter): AcceptedQueue {
  const units = writeUnits(db);
  return {
    async accept(row) {
      await writer.submit({ namespace: row.namespace, unit: units.accept(row), urgent: true });
    },
    async claim(activationId, attempt) {
      // Its namespace is not known here; no read of activations depends on a claim.
      const unit = units.claim(activationId, attempt);
      return (await writer.submit({ namespace: '', unit, urgent: true })) === 1;
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
      return rows.map((row) => ({
        activationId: row.activation_id,
        namespace: row.namespace,
        acceptedAt: row.accepted_at,
        attempt: row.attempt,
        job: parseValue(row.job),
      }));
    },
  };
}
