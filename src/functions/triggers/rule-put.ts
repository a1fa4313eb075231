/** Parses what a client sends to create or change a rule, and applies it. */
import { isJsonObject, randomHex } from '../../lib/index.ts';
import type { PlainRef } from '../entities/entity-row.ts';
import { type KeyValue, parseAnnotations } from '../entities/key-values.ts';
import { type EntityRef, fullNameOf, type NamespaceName, parseFullName } from '../entities/names.ts';
import { checkSize, given, nextPatch, parsePublish, parseVersion } from '../entities/put-fields.ts';
import { writeTime } from '../entities/write-time.ts';
import { functionFault, malformed, notAuthorized } from '../faults.ts';
import type { SystemLimits } from '../limits.ts';
import type { Rule, RuleStatus } from './rule.ts';
import { retryPolicyOf } from './rule-retry.ts';

export interface RulePut {
  readonly trigger: PlainRef | undefined;
  readonly action: EntityRef | undefined;
  readonly annotations: readonly KeyValue[] | undefined;
  readonly version: string | undefined;
  readonly publish: boolean | undefined;
}

/** What a rule is linked to. */
export interface RuleTarget {
  readonly trigger: PlainRef;
  readonly action: EntityRef;
  /** Incarnation of the trigger. */
  readonly incarnation: string;
}

/** @throws Fault BODY_INVALID, NAME_INVALID, NOT_AUTHORIZED (the trigger), ENTITY_TOO_LARGE */
export function parseRulePut(body: unknown, own: NamespaceName, system: SystemLimits): RulePut {
  if (!isJsonObject(body)) throw malformed('Object expected');
  const put: RulePut = {
    trigger: given(body, 'trigger', (value) => parseTrigger(value, own)),
    action: given(body, 'action', (value) => parseName(value, own)),
    annotations: given(body, 'annotations', parseAnnotations),
    version: given(body, 'version', parseVersion),
    publish: given(body, 'publish', parsePublish),
  };
  checkSize('annotations', put.annotations, system);
  retryPolicyOf(put.annotations ?? []);
  return put;
}

export function createRule(ref: PlainRef, put: RulePut, target: RuleTarget): Rule {
  return {
    ref,
    ...target,
    version: put.version ?? '0.0.1',
    publish: put.publish ?? false,
    annotations: put.annotations ?? [],
    status: 'active',
    updated: writeTime(),
    revision: randomHex(16),
  };
}

/** The changed rule. Fields that were not sent are kept, and whether it is active. */
export function updateRule(old: Rule, put: RulePut, target: RuleTarget, status: RuleStatus): Rule {
  return {
    ref: old.ref,
    ...target,
    version: put.version ?? nextPatch(old.version),
    publish: put.publish ?? old.publish,
    annotations: put.annotations ?? old.annotations,
    status,
    updated: writeTime(old.updated),
    revision: randomHex(16),
  };
}

/** The fault for a rule whose trigger or action does not exist. */
export function missingPart(part: 'trigger' | 'action', ref: EntityRef) {
  return functionFault('RULE_INVALID', `${part} /${fullNameOf(ref)} does not exist`, {
    details: { missing: `/${fullNameOf(ref)}` },
  });
}

/**
 * Parses the body of a request that enables or disables a rule. Other fields are ignored. @throws Fault BODY_INVALID
 */
export function parseRuleStatus(body: unknown): RuleStatus {
  const status = isJsonObject(body) ? body['status'] : undefined;
  if (status === 'active' || status === 'inactive') return status;
  const shown = typeof status === 'string' ? status.slice(0, 100) : 'undefined';
  throw malformed(`'${shown}' is not a recognized rule state, must be one of ['active', 'inactive']`);
}

/** Parses a full name, or one in the form of answers: `{path, name}`. */
function parseName(value: unknown, own: NamespaceName): EntityRef {
  const text = isJsonObject(value) ? `${value['path']}/${value['name']}` : value;
  if (typeof text !== 'string') throw malformed('fully qualified name malformed');
  return parseFullName(text, own);
}

/** Triggers are in no package and cannot be shared. */
function parseTrigger(value: unknown, own: NamespaceName): PlainRef {
  const ref = parseName(value, own);
  if (ref.namespace !== own) throw notAuthorized(fullNameOf(ref));
  if (ref.package !== undefined) throw missingPart('trigger', ref);
  return { namespace: own, name: ref.name };
}
