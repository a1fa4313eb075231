/** Finds the activations that failed, which are few among millions. The same on both engines. */
import type { Kysely } from 'kysely';
import { createIndexes } from './indexes.ts';

export const indexes = {
  activations_failed: 'activations (namespace, start desc, activation_id desc) where status_code > 0',
};

export function up(db: Kysely<unknown>): Promise<void> {
  return createIndexes(db, indexes);
}
