/** Finds the activations by how their sandbox was there. SQLite has another name for a function of it. */
import type { Kysely } from 'kysely';
import { indexStartKinds } from '../../start-kind.ts';

/** It adds an index. */
export const isExpandOnly = true;

export function up(db: Kysely<unknown>): Promise<void> {
  return indexStartKinds(db, 'strpos');
}
