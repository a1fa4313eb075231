/** Which runtime may run which kind of action, and whether this host has it. */
import type { JobTarget } from '../../dispatch/index.ts';
import { isFault } from '../../lib/index.ts';
import type { OperatorPolicy, SandboxHost, SandboxPolicy } from '../../sandbox/index.ts';
import { invokerFault } from '../faults.ts';
import { slotPolicy } from './slot-policy.ts';

/** @throws Fault TIER_UNAVAILABLE for a user's image under gVisor, because the host can't enter its network */
export function requireReachable({ runtime }: SandboxPolicy): void {
  if (runtime !== 'runsc') return;
  throw invokerFault('TIER_UNAVAILABLE', 'actions of kind blackbox can not run under gVisor', {
    hint: 'use one of the kinds of Ward, or leave the tier out',
  });
}

/** @throws Fault POLICY_EXCEEDED, POLICY_INVALID, POLICY_NOT_MET, TIER_UNAVAILABLE */
export async function vetTarget(
  target: Pick<JobTarget, 'kind' | 'limits' | 'sandbox'>,
  { operator, host }: { readonly operator: OperatorPolicy; readonly host: SandboxHost },
): Promise<void> {
  const { ask, policy } = slotPolicy(target, operator);
  if (target.kind === 'blackbox') requireReachable(policy);
  // The operator's own was checked when Ward started.
  if (policy.runtime === operator.defaults.runtime) return;
  try {
    await host.checkPolicy(ask);
  } catch (cause) {
    if (!isFault(cause, 'RUNTIME_MISSING')) throw cause;
    throw invokerFault('TIER_UNAVAILABLE', `this server has no gVisor: ${cause.message}`, { cause });
  }
}
