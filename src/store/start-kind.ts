/**
 * How the sandbox of an activation was there: an expression over its document, and an index by it. There is no column for
 * it: the records of older servers have it in their documents, too. A text that a function chose can't look like this one:
 * in JSON, its quotes are escaped.
 */
import { type RawBuilder, sql } from 'kysely';
import type { Indexes } from './migrations/indexes.ts';
import type { StartKind } from './types/activations.ts';

/** What each engine calls the function that finds a text in another. */
type Find = 'instr' | 'strpos';

const kinds: readonly StartKind[] = ['warm', 'cold', 'prewarmed'];

/** Null for what had no sandbox. Both engines take the index only for exactly this expression, so never change it. */
export function startKindOf(find: Find): RawBuilder<StartKind | null> {
  return sql.raw(textOf(find));
}

/** The kind comes first: so no query without it can take this index, of which old statistics know nothing. */
export function startKindIndexes(find: Find): Indexes {
  return {
    activations_by_start_kind: `activations ((${textOf(find)}), namespace, start desc, activation_id desc)`,
  };
}

function textOf(find: Find): string {
  const cases = kinds.map(
    (kind) => `when ${find}(document, '"key":"start","value":"${kind}"') > 0 then '${kind}'`,
  );
  return `case ${cases.join(' ')} end`;
}
