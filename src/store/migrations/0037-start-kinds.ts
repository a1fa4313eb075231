/** Finds the activations by how their sandbox was there. PostgreSQL has another name for a function of it. */
import type { Kysely } from 'kysely';
import { startKindIndexes } from '../start-kind.ts';
import { createIndexes } from './indexes.ts';

/** It adds an index. */
export const isExpandOnly = true;

export const indexes = startKindIndexes('instr');

export function up(db: Kysely<unknown>): Promise<void> {
  return createIndexes(db, indexes);
}
