/**
 * A trigger: a named channel of events. It does not know its rules. They point to it, and to the one incarnation of
 * it that they were enabled for, so a later trigger of the same name does not enable them again.
 */
import { z } from 'zod';
import type { EntityRow } from '../../store/index.ts';
import {
  describeBase,
  type EntityBase,
  type PlainRef,
  parseDocument,
  plainRefOfRow,
  storedKeyValues,
  storedValue,
} from '../entities/entity-row.ts';
import type { Parameter } from '../entities/key-values.ts';
import type { Vault } from '../vault/vault.ts';
import { describeLink, type LinkedRule } from './rule.ts';

/** What is known of a trigger without decrypting its parameters. */
export interface TriggerHead extends EntityBase {
  /** Random id, set when it is created and kept for its life. */
  readonly incarnation: string;
  readonly revision: string;
}

export interface Trigger extends TriggerHead {
  readonly parameters: readonly Parameter[];
}

const stored = z.object({
  version: z.string(),
  publish: z.boolean(),
  parameters: storedValue,
  annotations: storedKeyValues,
  incarnation: z.string(),
});

/** @throws Fault STORED_ENTITY_CORRUPT, VAULT_KEY_MISSING */
export function triggerOfRow(row: EntityRow, vault: Vault): Trigger {
  const head = triggerHeadOfRow(row);
  const { parameters } = parseDocument(row, stored);
  return { ...head, parameters: vault.openParameters(parameters, placeOf(head.ref)) };
}

/** @throws Fault STORED_ENTITY_CORRUPT */
export function triggerHeadOfRow(row: EntityRow): TriggerHead {
  const { version, publish, annotations, incarnation } = parseDocument(row, stored);
  const { updatedAt: updated, revision } = row;
  return { ref: plainRefOfRow(row), version, publish, annotations, incarnation, updated, revision };
}

export function rowOfTrigger(trigger: Trigger, vault: Vault): EntityRow {
  const { ref, version, publish, annotations, incarnation } = trigger;
  const parameters = vault.sealParameters(trigger.parameters, placeOf(ref));
  return {
    namespace: ref.namespace,
    path: ref.name,
    collection: 'triggers',
    revision: trigger.revision,
    updatedAt: trigger.updated,
    codeDigest: null,
    link: null,
    shared: false,
    document: { version, publish, parameters, annotations, incarnation },
  };
}

/** The trigger as in the answer to a GET, PUT or DELETE, with its revision. */
export function describeTrigger(trigger: Trigger, rules: readonly LinkedRule[]) {
  return {
    ...describeBase(trigger),
    parameters: trigger.parameters,
    limits: {},
    rules: Object.fromEntries(rules.map(describeLink)),
    revision: trigger.revision,
  };
}

export type TriggerDescription = ReturnType<typeof describeTrigger>;
export type TriggerSummary = ReturnType<typeof describeBase>;

function placeOf({ namespace, name }: PlainRef): string {
  return `${namespace}/${name}`;
}
