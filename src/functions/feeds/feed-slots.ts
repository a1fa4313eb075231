/** Stores feeds: one per trigger, and up to a limit per namespace. */
import { isFault } from '../../lib/index.ts';
import type { FeedRow, FeedStore } from '../../store/index.ts';
import type { PlainRef } from '../entities/entity-row.ts';
import { concurrentUpdate, functionFault } from '../faults.ts';
import type { TriggerService } from '../triggers/triggers.ts';
import { invalidFeed } from './parameters.ts';

export interface FeedSlots {
  /** Returns the trigger's feed of that package. @throws Fault NOT_FOUND */
  find(trigger: PlainRef, inPackage: string): Promise<FeedRow>;
  /**
   * Gives the trigger a feed, replacing one of the same package.
   * @param make gets the replaced feed
   * @throws Fault FEED_INVALID (no such trigger), FEED_CONFLICT, FEEDS_EXHAUSTED, CONCURRENT_UPDATE
   */
  fill(trigger: PlainRef, inPackage: string, make: (old: FeedRow | undefined) => FeedRow): Promise<void>;
  /** @throws Fault CONCURRENT_UPDATE when the row is no longer `old` */
  replace(row: FeedRow, old: FeedRow): Promise<void>;
  /** Removes the trigger's feed of that package, if there is one. */
  clear(trigger: PlainRef, inPackage: string): Promise<void>;
}

interface FeedSlotsOptions {
  readonly feeds: FeedStore;
  readonly triggers: Pick<TriggerService, 'get'>;
  readonly maxPerNamespace: number;
}

export function createFeedSlots({ feeds, triggers, maxPerNamespace }: FeedSlotsOptions): FeedSlots {
  const rowOf = async ({ namespace, name }: PlainRef, inPackage: string): Promise<FeedRow | undefined> => {
    const row = await feeds.get(namespace, name);
    return row !== undefined && isOf(row, inPackage) ? row : undefined;
  };
  const put = async (row: FeedRow, old: FeedRow | undefined): Promise<void> => {
    if (!(await feeds.put(row, old?.revision ?? null, { replaced: old }))) throw concurrentUpdate();
  };
  return {
    async find(trigger, inPackage) {
      const row = await rowOf(trigger, inPackage);
      if (row !== undefined) return row;
      const name = `/${trigger.namespace}/${trigger.name}`;
      throw functionFault('NOT_FOUND', `could not find trigger ${name} in the database`);
    },
    async fill(trigger, inPackage, make) {
      await requireTrigger(triggers, trigger);
      const old = await feeds.get(trigger.namespace, trigger.name);
      if (old !== undefined && !isOf(old, inPackage)) throw occupied(old);
      if (old === undefined && (await feeds.count(trigger.namespace)) >= maxPerNamespace) {
        throw functionFault(
          'FEEDS_EXHAUSTED',
          `the namespace '${trigger.namespace}' has ${maxPerNamespace} feeds already`,
        );
      }
      await put(make(old), old);
    },
    replace: put,
    async clear(trigger, inPackage) {
      const row = await rowOf(trigger, inPackage);
      if (row !== undefined) await feeds.delete(row.namespace, row.trigger, { replaced: row });
    },
  };
}

function isOf({ provider }: FeedRow, inPackage: string): boolean {
  return provider.startsWith(`${inPackage}/`);
}

async function requireTrigger(triggers: Pick<TriggerService, 'get'>, trigger: PlainRef): Promise<void> {
  try {
    await triggers.get(trigger);
  } catch (error) {
    if (!isFault(error, 'NOT_FOUND') && !isFault(error, 'WRONG_COLLECTION')) throw error;
    throw invalidFeed(`trigger /${trigger.namespace}/${trigger.name} does not exist`);
  }
}

function occupied({ namespace, trigger, provider }: FeedRow) {
  return functionFault(
    'FEED_CONFLICT',
    `the trigger '/${namespace}/${trigger}' has the feed ${provider} already`,
    {
      hint: 'Delete that feed first, or use another trigger.',
    },
  );
}
