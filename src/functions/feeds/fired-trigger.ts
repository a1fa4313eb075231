/** Removes a trigger that should fire once and then be deleted. */
import { isFault, type Log, messageOf } from '../../lib/index.ts';
import type { FeedStore } from '../../store/index.ts';
import type { PlainRef } from '../entities/entity-row.ts';
import { parseFullName } from '../entities/names.ts';
import type { RuleService } from '../triggers/rules.ts';
import type { TriggerService } from '../triggers/triggers.ts';

export interface TriggerRemovalOptions {
  readonly feeds: FeedStore;
  readonly triggers: Pick<TriggerService, 'get' | 'delete'>;
  readonly rules: Pick<RuleService, 'delete'>;
  readonly log: Log;
}

/** Removes its feed, its rules if wanted, and the trigger itself. Logs what fails. */
export async function removeFiredTrigger(
  { feeds, triggers, rules, log }: TriggerRemovalOptions,
  trigger: PlainRef,
  withRules: boolean,
): Promise<void> {
  const { namespace, name } = trigger;
  try {
    await feeds.delete(namespace, name);
    if (withRules) {
      const { rules: linked } = await triggers.get(trigger);
      for (const fullName of Object.keys(linked)) {
        const rule = parseFullName(`/${fullName}`, namespace);
        await rules.delete({ namespace: rule.namespace, name: rule.name });
      }
    }
    await triggers.delete(trigger);
  } catch (error) {
    if (isFault(error, 'NOT_FOUND')) return;
    log.error({ namespace, trigger: name, reason: messageOf(error) }, 'a fired trigger could not be deleted');
  }
}
