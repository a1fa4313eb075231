/**
 * A rule invokes its action when its trigger is fired.
 *
 * It is active if its own status says so and if its trigger still is the incarnation that it was enabled for. So each
 * change writes only one row; deleting a trigger disables its rules without touching them.
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
  storedName,
  storedNamespace,
} from '../entities/entity-row.ts';
import { type EntityRef, fullNameOf } from '../entities/names.ts';

export type RuleStatus = 'active' | 'inactive';

export interface Rule extends EntityBase {
  /** In the rule's own namespace. */
  readonly trigger: PlainRef;
  readonly action: EntityRef;
  readonly status: RuleStatus;
  /** Incarnation of the trigger when the rule was linked to it. */
  readonly incarnation: string;
  readonly revision: string;
}

/** What a trigger needs to know of one of its rules. */
export interface LinkedRule {
  readonly ref: PlainRef;
  readonly action: EntityRef;
  readonly status: RuleStatus;
}

const stored = z.object({
  version: z.string(),
  publish: z.boolean(),
  annotations: storedKeyValues,
  trigger: storedName,
  action: z.object({ namespace: storedNamespace, package: storedName.optional(), name: storedName }),
  status: z.enum(['active', 'inactive']),
  incarnation: z.string(),
});

/** @throws Fault STORED_ENTITY_CORRUPT */
export function ruleOfRow(row: EntityRow): Rule {
  const { trigger, action, ...rest } = parseDocument(row, stored);
  const ref = plainRefOfRow(row);
  return {
    ...rest,
    ref,
    trigger: { namespace: ref.namespace, name: trigger },
    action: { ...action, package: action.package },
    updated: row.updatedAt,
    revision: row.revision,
  };
}

export function rowOfRule(rule: Rule): EntityRow {
  const { ref, trigger, version, publish, annotations, status, incarnation } = rule;
  const { namespace, package: inPackage, name } = rule.action;
  const action = inPackage === undefined ? { namespace, name } : { namespace, package: inPackage, name };
  return {
    namespace: ref.namespace,
    path: ref.name,
    collection: 'rules',
    revision: rule.revision,
    updatedAt: rule.updated,
    codeDigest: null,
    link: triggerLink(trigger),
    shared: false,
    document: { version, publish, annotations, trigger: trigger.name, action, status, incarnation },
  };
}

/** The link from a rule's row to its trigger. */
export function triggerLink({ namespace, name }: PlainRef): string {
  return `${namespace}/${name}`;
}

/** @param incarnation the trigger's current one; undefined if there is no trigger */
export function isLinked(rule: Rule, incarnation: string | undefined): boolean {
  return rule.incarnation === incarnation;
}

export function statusOf(rule: Rule, incarnation: string | undefined): RuleStatus {
  return isLinked(rule, incarnation) ? rule.status : 'inactive';
}

/** The rule as in the answer to a GET, PUT or DELETE, with its revision. */
export function describeRule(rule: Rule, status: RuleStatus) {
  return { ...summariseRule(rule), status, revision: rule.revision };
}

/** The rule as an entry of a list. */
export function summariseRule(rule: Rule) {
  return {
    ...describeBase(rule),
    trigger: { path: rule.trigger.namespace, name: rule.trigger.name },
    action: pathAndName(rule.action),
  };
}

/** The rule as an entry of its trigger, under its full name. */
export function describeLink({ ref, action, status }: LinkedRule) {
  return [`${ref.namespace}/${ref.name}`, { action: pathAndName(action), status }] as const;
}

export type RuleDescription = ReturnType<typeof describeRule>;
export type RuleSummary = ReturnType<typeof summariseRule>;

function pathAndName(ref: EntityRef) {
  const { name } = ref;
  return { path: fullNameOf(ref).slice(0, -name.length - 1), name };
}
