/**
 * Warns an API's author about its actions. As in OpenWhisk, an API may be created before its actions are, or before
 * they are web actions. Until then its calls get a 404.
 */
import { isFault } from '../../lib/index.ts';
import type { ActionService } from '../actions/actions.ts';
import { valueFor } from '../entities/key-values.ts';
import { type EntityRef, fullNameOf, type NamespaceName } from '../entities/names.ts';

const mostWarnings = 20;

/** One text for each action that cannot be called over the web. */
export async function actionWarnings(
  actions: Pick<ActionService, 'resolve'>,
  refs: readonly EntityRef[],
  own: NamespaceName,
): Promise<readonly string[]> {
  const byName = new Map(refs.map((ref) => [fullNameOf(ref), ref]));
  const warnings: string[] = [];
  for (const [name, ref] of byName) {
    const warning = await warningOf(actions, ref, name, own);
    if (warning !== undefined) warnings.push(warning);
    if (warnings.length === mostWarnings) break;
  }
  return warnings;
}

async function warningOf(
  actions: Pick<ActionService, 'resolve'>,
  ref: EntityRef,
  name: string,
  own: NamespaceName,
): Promise<string | undefined> {
  try {
    const { action } = await actions.resolve(ref, own);
    if (valueFor(action.annotations, 'web-export') === true) return undefined;
    return `The action '/${name}' is not a web action: its calls are not found until its annotation 'web-export' is true.`;
  } catch (error) {
    if (!isFault(error) || error.kind === 'host' || error.kind === 'bug') throw error;
    return `The action '/${name}' does not exist, or is not yours to use: its calls are not found.`;
  }
}
