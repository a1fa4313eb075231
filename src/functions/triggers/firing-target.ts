/** A trigger ready to be fired: what every firing needs, computed once for each change of it or its rules. */
import type { JsonObject } from '../../lib/index.ts';
import type { EntityStore } from '../../store/index.ts';
import type { PlainRef } from '../entities/entity-row.ts';
import { toObject } from '../entities/key-values.ts';
import type { EntityRef } from '../entities/names.ts';
import { notFound, wrongCollection } from '../faults.ts';
import type { Vault } from '../vault/vault.ts';
import type { Rule } from './rule.ts';
import { linkedRules } from './rule-links.ts';
import { type RetryPolicy, retryPolicyOf } from './rule-retry.ts';
import { triggerOfRow } from './trigger.ts';

export interface FiringRule {
  readonly ref: PlainRef;
  readonly action: EntityRef;
  readonly isActive: boolean;
  readonly retry: RetryPolicy | undefined;
}

export interface FiringTarget {
  readonly ref: PlainRef;
  readonly version: string;
  /** The trigger's own parameters. */
  readonly defaults: JsonObject;
  readonly rules: readonly FiringRule[];
  readonly isActive: boolean;
}

/** @throws Fault NOT_FOUND, WRONG_COLLECTION, STORED_ENTITY_CORRUPT, VAULT_KEY_MISSING */
export async function readFiringTarget(
  entities: Pick<EntityStore, 'get' | 'list'>,
  vault: Vault,
  { namespace, name }: PlainRef,
): Promise<FiringTarget> {
  const row = await entities.get(namespace, name);
  if (row === undefined) throw notFound();
  if (row.collection !== 'triggers') throw wrongCollection();
  const trigger = triggerOfRow(row, vault);
  const rules = await linkedRules(entities, trigger, firingRule);
  return {
    ref: trigger.ref,
    version: trigger.version,
    defaults: toObject(trigger.parameters),
    rules,
    isActive: rules.some(({ isActive }) => isActive),
  };
}

function firingRule({ ref, action, status, annotations }: Rule): FiringRule {
  return { ref, action, isActive: status === 'active', retry: retryPolicyOf(annotations) };
}
