/** Whether what an action asks of its sandboxes can be had, asked when it is deployed. */
import type { Dispatcher } from '../../dispatch/index.ts';
import { effectiveAsk, sandboxAskOf } from '../entities/sandbox-ask.ts';
import type { Identity } from '../namespaces/namespaces.ts';
import { type Action, actionLimits } from './action.ts';
import { isCode } from './exec.ts';
import { type Runtime, runningKind } from './runtimes.ts';

/**
 * Nobody is to deploy what can't be had: neither what the action asks for, nor what its namespace is to have.
 * @throws Fault BODY_INVALID, POLICY_EXCEEDED, POLICY_INVALID, POLICY_NOT_MET, TIER_UNAVAILABLE
 */
export async function vetSandbox(
  { exec, annotations, limits: own }: Action,
  { limits }: Pick<Identity, 'limits'>,
  {
    dispatcher,
    runtimes,
  }: { readonly dispatcher: Pick<Dispatcher, 'vet'>; readonly runtimes: readonly Runtime[] },
): Promise<void> {
  const sandbox = effectiveAsk(sandboxAskOf(annotations), limits.sandbox);
  if (sandbox === undefined || !isCode(exec)) return;
  await dispatcher.vet({ kind: runningKind(runtimes, exec.kind), limits: actionLimits(own), sandbox });
}
