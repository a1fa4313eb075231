/** What the gateway may lead to. */
import { isFault } from '../../lib/index.ts';
import type { ActionService } from '../actions/actions.ts';
import { valueFor } from '../entities/key-values.ts';
import { type EntityRef, fullNameOf, type NamespaceName } from '../entities/names.ts';
import { apiInvalid } from './api-document-paths.ts';

/** Every action must be one that the namespace may use, and offered to the web. @throws Fault API_INVALID */
export async function checkActions(
  actions: Pick<ActionService, 'resolve'>,
  refs: readonly EntityRef[],
  own: NamespaceName,
): Promise<void> {
  const byName = new Map(refs.map((ref) => [fullNameOf(ref), ref]));
  for (const [name, ref] of byName) await checkAction(actions, ref, name, own);
}

async function checkAction(
  actions: Pick<ActionService, 'resolve'>,
  ref: EntityRef,
  name: string,
  own: NamespaceName,
): Promise<void> {
  try {
    const { action } = await actions.resolve(ref, own);
    if (valueFor(action.annotations, 'web-export') === true) return;
  } catch (error) {
    if (!isFault(error) || error.kind === 'host' || error.kind === 'bug') throw error;
    throw apiInvalid(`The action '/${name}' does not exist, or is not yours to use.`);
  }
  throw apiInvalid(`The action '/${name}' is not a web action: set its annotation 'web-export' to true.`);
}
