/** Has the image of an action brought to the invokers that will run it, so that its first call need not wait for it. */
import type { Dispatcher } from '../../dispatch/index.ts';
import type { CodeGate } from '../actions/code-gate.ts';
import { type ResolvedAction, targetOf } from '../actions/resolved-action.ts';
import type { Identity } from '../namespaces/namespaces.ts';
import { requireRun } from './run-permission.ts';

interface ImagePrefetchOptions {
  readonly dispatcher: Pick<Dispatcher, 'prefetch'>;
  readonly gate?: Pick<CodeGate, 'mayRun'> | undefined;
}

/** Does nothing for an action without an image. @throws Fault RUN_REFUSED, RUN_UNJUDGED, IMAGE_UNKNOWN */
export async function prefetchImage(
  { dispatcher, gate }: ImagePrefetchOptions,
  resolved: ResolvedAction,
  owner: Identity,
): Promise<void> {
  const { plan } = resolved;
  if (plan.type !== 'code' || plan.image === undefined) return;
  const target = targetOf(resolved, plan, owner, {});
  dispatcher.prefetch({ ...target, image: await requireRun(gate, target) });
}
