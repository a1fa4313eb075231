/** Rules: create, change, enable, disable, read, list, delete. */
import { isFault, randomHex } from '../../lib/index.ts';
import type { EntityStore } from '../../store/index.ts';
import type { PlainRef, RevisionCheck } from '../entities/entity-row.ts';
import type { EntityRef, NamespaceName } from '../entities/names.ts';
import type { ListRange } from '../entities/page.ts';
import { concurrentUpdate, entityChanged, functionFault, notFound, wrongCollection } from '../faults.ts';
import type { SystemLimits } from '../limits.ts';
import {
  describeRule,
  type Rule,
  type RuleDescription,
  type RuleSummary,
  rowOfRule,
  ruleOfRow,
  statusOf,
  summariseRule,
} from './rule.ts';
import {
  createRule,
  missingPart,
  parseRulePut,
  parseRuleStatus,
  type RulePut,
  type RuleTarget,
  updateRule,
} from './rule-put.ts';
import { triggerHeadOfRow } from './trigger.ts';

export interface RuleService {
  /**
   * Creates an active rule, or with `overwrite` changes one, from what a client sent.
   * @throws Fault BODY_INVALID, NAME_INVALID, RULE_INVALID (no such trigger or action), NOT_AUTHORIZED (of another
   * namespace), ENTITY_TOO_LARGE, ALREADY_EXISTS, ENTITY_CHANGED, WRONG_COLLECTION, CONCURRENT_UPDATE
   */
  put(ref: PlainRef, body: unknown, overwrite: boolean, mayChange?: RevisionCheck): Promise<RuleDescription>;
  /**
   * Enables or disables a rule with the body `{status}`.
   * @throws Fault BODY_INVALID, NOT_FOUND (also the trigger), ENTITY_CHANGED, WRONG_COLLECTION, CONCURRENT_UPDATE
   */
  setStatus(ref: PlainRef, body: unknown, mayChange?: RevisionCheck): Promise<RuleDescription>;
  /** @throws Fault NOT_FOUND, WRONG_COLLECTION */
  get(ref: PlainRef): Promise<RuleDescription>;
  /** Deletes a rule and returns it. @throws Fault NOT_FOUND, ENTITY_CHANGED, WRONG_COLLECTION, CONCURRENT_UPDATE */
  delete(ref: PlainRef, mayChange?: RevisionCheck): Promise<RuleDescription>;
  /** Newest first. */
  list(namespace: NamespaceName, page: ListRange): Promise<readonly RuleSummary[]>;
  count(namespace: NamespaceName): Promise<number>;
}

interface RuleServiceOptions {
  readonly entities: EntityStore;
  readonly limits: SystemLimits;
  /** Resolves if `caller` may invoke the action. @throws Fault NOT_FOUND, WRONG_COLLECTION, NOT_AUTHORIZED */
  readonly requireAction: (action: EntityRef, caller: NamespaceName) => Promise<unknown>;
  /** Called after every write, for each trigger whose rules it changed. */
  readonly onChanged: (trigger: PlainRef) => void;
}

const collection = 'rules';

export function createRules(options: RuleServiceOptions): RuleService {
  const { entities, onChanged } = options;

  const find = async ({ namespace, name }: PlainRef): Promise<Rule | undefined> => {
    const row = await entities.get(namespace, name);
    if (row === undefined) return undefined;
    if (row.collection !== collection) throw wrongCollection();
    return ruleOfRow(row);
  };
  const mustFind = async (ref: PlainRef): Promise<Rule> => {
    const rule = await find(ref);
    if (rule === undefined) throw notFound();
    return rule;
  };
  const store = async (rule: Rule, old: Rule | undefined): Promise<void> => {
    if (!(await entities.put(rowOfRule(rule), old?.revision ?? null))) throw concurrentUpdate();
    onChanged(rule.trigger);
    if (old !== undefined && old.trigger.name !== rule.trigger.name) onChanged(old.trigger);
  };
  const incarnationOf = (trigger: PlainRef) => findIncarnation(entities, trigger);

  return {
    async put(ref, body, overwrite, mayChange = () => true) {
      const put = parseRulePut(body, ref.namespace, options.limits);
      const old = await find(ref);
      if (old !== undefined && !overwrite) throw functionFault('ALREADY_EXISTS', 'resource already exists');
      if (!mayChange(old?.revision)) throw entityChanged();
      const target = await targetOf(options, put, old);
      const rule =
        old === undefined
          ? createRule(ref, put, target)
          : updateRule(old, put, target, statusOf(old, await incarnationOf(old.trigger)));
      await store(rule, old);
      return describeRule(rule, rule.status);
    },
    async setStatus(ref, body, mayChange = () => true) {
      const wanted = parseRuleStatus(body);
      const rule = await mustFind(ref);
      if (!mayChange(rule.revision)) throw entityChanged();
      const incarnation = await incarnationOf(rule.trigger);
      if (statusOf(rule, incarnation) === wanted) return describeRule(rule, wanted);
      if (incarnation === undefined) {
        throw functionFault('NOT_FOUND', 'Only rules with existing triggers can be activated');
      }
      const changed = { ...rule, incarnation, status: wanted, revision: randomHex(16) };
      await store(changed, rule);
      return describeRule(changed, wanted);
    },
    async get(ref) {
      const rule = await mustFind(ref);
      return describeRule(rule, statusOf(rule, await incarnationOf(rule.trigger)));
    },
    async delete(ref, mayChange = () => true) {
      const rule = await mustFind(ref);
      if (!mayChange(rule.revision)) throw entityChanged();
      if (!(await entities.delete(ref.namespace, ref.name, rule.revision))) throw concurrentUpdate();
      onChanged(rule.trigger);
      return describeRule(rule, 'inactive');
    },
    async list(namespace, page) {
      const rows = await entities.list({ namespace, collection, ...page });
      return rows.map((row) => summariseRule(ruleOfRow(row)));
    },
    count: (namespace) => entities.count({ namespace, collection }),
  };
}

/** The trigger and the action of the rule after a write. Both must exist. */
async function targetOf(
  { entities, requireAction }: RuleServiceOptions,
  put: RulePut,
  old: Rule | undefined,
): Promise<RuleTarget> {
  const trigger = put.trigger ?? old?.trigger;
  const action = put.action ?? old?.action;
  if (trigger === undefined || action === undefined) {
    throw functionFault('RULE_INVALID', 'rule requires a valid trigger and a valid action');
  }
  const incarnation = await findIncarnation(entities, trigger);
  if (incarnation === undefined) throw missingPart('trigger', { ...trigger, package: undefined });
  try {
    await requireAction(action, trigger.namespace);
  } catch (error) {
    if (isFault(error, 'NOT_FOUND') || isFault(error, 'WRONG_COLLECTION'))
      throw missingPart('action', action);
    throw error;
  }
  return { trigger, action, incarnation };
}

/** Undefined if there is no such trigger. */
async function findIncarnation(
  entities: Pick<EntityStore, 'get'>,
  { namespace, name }: PlainRef,
): Promise<string | undefined> {
  const row = await entities.get(namespace, name);
  return row?.collection === 'triggers' ? triggerHeadOfRow(row).incarnation : undefined;
}
