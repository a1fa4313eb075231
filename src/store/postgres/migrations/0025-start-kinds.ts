/** Finds the activations by how their sandbox was there. SQLite has another name for a function of it. */
import type { Kysely } from 'kysely';
import { createIndexes } from '../../migrations/indexes.ts';
import { startKindIndexes } from '../../start-kind.ts';

/** It adds an index. */
export const isExpandOnly = true;

export const indexes = startKindIndexes('strpos');

export function up(db: Kysely<unknown>): Promise<void> {
  return createIndexes(db, indexes);
}
