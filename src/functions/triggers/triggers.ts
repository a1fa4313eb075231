/** Triggers: create, change, read, list, delete. Firing them is in `firing.ts`. */
import type { EntityStore } from '../../store/index.ts';
import { describeBase, type PlainRef, type RevisionCheck } from '../entities/entity-row.ts';
import type { NamespaceName } from '../entities/names.ts';
import type { ListRange } from '../entities/page.ts';
import { concurrentUpdate, entityChanged, functionFault, notFound, wrongCollection } from '../faults.ts';
import type { SystemLimits } from '../limits.ts';
import type { Vault } from '../vault/vault.ts';
import { linkedRules } from './rule-links.ts';
import {
  describeTrigger,
  rowOfTrigger,
  type Trigger,
  type TriggerDescription,
  type TriggerSummary,
  triggerHeadOfRow,
  triggerOfRow,
} from './trigger.ts';
import { createTrigger, parseTriggerPut, updateTrigger } from './trigger-put.ts';

export interface TriggerService {
  /**
   * Creates, or with `overwrite` changes, a trigger from what a client sent.
   * @throws Fault BODY_INVALID, ENTITY_TOO_LARGE, ALREADY_EXISTS, ENTITY_CHANGED, WRONG_COLLECTION, CONCURRENT_UPDATE
   */
  put(
    ref: PlainRef,
    body: unknown,
    overwrite: boolean,
    mayChange?: RevisionCheck,
  ): Promise<TriggerDescription>;
  /** Reads a trigger with its rules. @throws Fault NOT_FOUND, WRONG_COLLECTION */
  get(ref: PlainRef): Promise<TriggerDescription>;
  /**
   * Deletes a trigger and returns it. Its rules stay, inactive. @throws Fault NOT_FOUND, ENTITY_CHANGED,
   * WRONG_COLLECTION, CONCURRENT_UPDATE
   */
  delete(ref: PlainRef, mayChange?: RevisionCheck): Promise<TriggerDescription>;
  /** Newest first. */
  list(namespace: NamespaceName, page: ListRange): Promise<readonly TriggerSummary[]>;
  count(namespace: NamespaceName): Promise<number>;
}

interface TriggerServiceOptions {
  readonly entities: EntityStore;
  readonly vault: Vault;
  readonly limits: SystemLimits;
  /** Called after every write. */
  readonly onChanged: (ref: PlainRef) => void;
}

const collection = 'triggers';

export function createTriggers(options: TriggerServiceOptions): TriggerService {
  const { entities, vault, onChanged } = options;

  const find = async ({ namespace, name }: PlainRef): Promise<Trigger | undefined> => {
    const row = await entities.get(namespace, name);
    if (row === undefined) return undefined;
    if (row.collection !== collection) throw wrongCollection();
    return triggerOfRow(row, vault);
  };
  const mustFind = async (ref: PlainRef): Promise<Trigger> => {
    const trigger = await find(ref);
    if (trigger === undefined) throw notFound();
    return trigger;
  };
  const describe = async (trigger: Trigger) => {
    const rules = await linkedRules(entities, trigger, ({ ref, action, status }) => ({
      ref,
      action,
      status,
    }));
    return describeTrigger(trigger, rules);
  };

  return {
    async put(ref, body, overwrite, mayChange = () => true) {
      const put = parseTriggerPut(body, options.limits);
      const old = await find(ref);
      if (old !== undefined && !overwrite) throw functionFault('ALREADY_EXISTS', 'resource already exists');
      if (!mayChange(old?.revision)) throw entityChanged();
      const trigger = old === undefined ? createTrigger(ref, put) : updateTrigger(old, put);
      if (!(await entities.put(rowOfTrigger(trigger, vault), old?.revision ?? null)))
        throw concurrentUpdate();
      onChanged(ref);
      return describe(trigger);
    },
    get: async (ref) => describe(await mustFind(ref)),
    async delete(ref, mayChange = () => true) {
      const trigger = await mustFind(ref);
      if (!mayChange(trigger.revision)) throw entityChanged();
      const description = await describe(trigger);
      if (!(await entities.delete(ref.namespace, ref.name, trigger.revision))) throw concurrentUpdate();
      onChanged(ref);
      return description;
    },
    async list(namespace, page) {
      const rows = await entities.list({ namespace, collection, ...page });
      return rows.map((row) => describeBase(triggerHeadOfRow(row)));
    },
    count: (namespace) => entities.count({ namespace, collection }),
  };
}
