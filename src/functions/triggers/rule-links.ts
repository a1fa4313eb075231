/** The rules that are linked to a trigger in its current incarnation, not to an earlier one of its name. */
import type { EntityStore } from '../../store/index.ts';
import { isLinked, type Rule, ruleOfRow, triggerLink } from './rule.ts';
import type { TriggerHead } from './trigger.ts';

const pageSize = 100;

/** Reads a page at a time, because the rows may be large. @throws Fault STORED_ENTITY_CORRUPT */
export async function linkedRules<Item>(
  entities: Pick<EntityStore, 'list'>,
  { ref, incarnation }: Pick<TriggerHead, 'ref' | 'incarnation'>,
  pick: (rule: Rule) => Item,
): Promise<readonly Item[]> {
  const query = { namespace: ref.namespace, collection: 'rules', link: triggerLink(ref) } as const;
  const found: Item[] = [];
  for (let skip = 0; ; skip += pageSize) {
    const rows = await entities.list({ ...query, skip, limit: pageSize });
    for (const row of rows) {
      const rule = ruleOfRow(row);
      if (isLinked(rule, incarnation)) found.push(pick(rule));
    }
    if (rows.length < pageSize) return found;
  }
}
